// SPDX-License-Identifier: MIT
/// Copying between pages, at least one of which is normally granted. netback's hot path.
#include <cstring>

#include "kernel/hypercall/grant/grant_call.hpp"

namespace hospes::grant {

namespace {

/// One end of a copy: a granted page in use, or a page of the caller's own map.
struct Page {
    std::optional<GrantedPage> granted;
    std::optional<FrameReference> own;

    [[nodiscard]] u8* bytes() const { return static_cast<u8*>(arch::reach(granted ? granted->frame() : own->frame())); }
};

Granted<Page> open_granted(Domain& caller, Granters& granters, xen::GrantCopyEnd const& end, bool for_writing)
{
    Domain* const granter = granters.find(end.domain);
    if (!granter) return refuse(GrantStatus::BadDomain);
    auto page = GrantedPage::open(*granter, end.u.reference, caller, for_writing);
    if (!page) return refuse(page.error());
    return Page{.granted = std::move(*page), .own = std::nullopt};
}

Granted<Page> open_own(Domain& caller, xen::GrantCopyEnd const& end, bool for_writing)
{
    if (end.domain != xen::domid_self && end.domain != caller.id()) return refuse(GrantStatus::PermissionDenied);
    auto frame = caller.physmap.reference(Gfn{end.u.gfn}, for_writing);
    if (!frame) return refuse(GrantStatus::BadPage);
    return Page{.granted = std::nullopt, .own = std::move(*frame)};
}

bool fits(xen::GrantCopyEnd const& end, u16 length) { return end.offset + u32{length} <= page_size; }

/// Each end has its own Granters: a source and a destination in two domains do not push each other out.
struct CopyGranters {
    Granters source;
    Granters destination;
};

GrantStatus copy_one(Domain& caller, CopyGranters& granters, xen::GrantCopy const& request)
{
    namespace flag = xen::grant_copy_flag;
    if (!fits(request.source, request.length) || !fits(request.destination, request.length))
        return GrantStatus::BadCopyArgument;
    auto const source = (request.flags & flag::source_is_reference) != 0
                            ? open_granted(caller, granters.source, request.source, false)
                            : open_own(caller, request.source, false);
    if (!source) return source.error();
    auto const destination = (request.flags & flag::destination_is_reference) != 0
                                 ? open_granted(caller, granters.destination, request.destination, true)
                                 : open_own(caller, request.destination, true);
    if (!destination) return destination.error();
    // The two may be one page.
    std::memmove(destination->bytes() + request.destination.offset, source->bytes() + request.source.offset,
                 request.length);
    return GrantStatus::Okay;
}

}

Expected<u64> copy(GrantCall& call)
{
    CopyGranters granters{Granters{call.domain()}, Granters{call.domain()}};
    return for_each_operation<xen::GrantCopy>(
        call, [&](xen::GrantCopy& request) { request.status = copy_one(call.domain(), granters, request); });
}

}
