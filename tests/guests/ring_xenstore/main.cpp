// SPDX-License-Identifier: MIT
/// Rule: a guest's xenstore ring carries requests, answers and watch events (docs/misc/xenstore.txt): what is
/// written is read, what is not there is ENOENT, a transaction happens wholly or not at all.
/// Failure looks like a guest that hangs in "xenbus_probe", or devices that never connect.

#include "tests/guests/framework/xenstore.hpp"

#include "tests/guests/framework/clock.hpp"
#include "tests/guests/framework/print.hpp"
#include "tests/guests/framework/report.hpp"

namespace hospes::test {
namespace {

constexpr std::string_view folder = "data/hospes-test"; // data/ is the guest's to write

void reading_and_writing()
{
    auto id = xenstore::read_number("domid");
    report(id.has_value() && *id > 0, "our own domain id");
    if (id) print("  domain ", *id, "\n");
    auto name = xenstore::read("name");
    report(name.has_value(), "our name");
    if (name) print("  named ", *name, "\n");
    auto path = xenstore::Path{}.add(folder, "/value");
    report(xenstore::write(path, "one").has_value(), "write");
    report(xenstore::read(path).value_or("") == "one", "and read back");
    report(xenstore::list(folder).value_or("").starts_with("value"), "it is listed");
    report(xenstore::remove(path).has_value(), "remove");
    auto gone = xenstore::read(path);
    report(!gone && gone.error() == Error::NotFound, "then it is ENOENT");
    auto denied = xenstore::write("/local/domain/0/name", "mine");
    report(!denied && denied.error() == Error::AccessDenied, "dom0's name is not ours to write: EACCES");
}

void large_values()
{
    static constinit std::array<char, 2000> text{}; // twice the ring
    for (size_t i = 0; i != text.size(); ++i) text[i] = static_cast<char>('a' + i % 26);
    std::string_view whole{text.data(), text.size()};
    auto path = xenstore::Path{}.add(folder, "/large");
    report(xenstore::write(path, whole).has_value(), "a value larger than the ring");
    report(xenstore::read(path).value_or("") == whole, "arrives whole");
}

void watches()
{
    auto path = xenstore::Path{}.add(folder, "/watched");
    report(xenstore::watch(path, "token").has_value(), "watch");
    auto first = xenstore::next_event(5 * second);
    report(first && first->token.view() == "token", "a watch fires once at once");
    report(xenstore::write(path, "x").has_value(), "write what is watched");
    auto second_event = xenstore::next_event(5 * second);
    report(second_event && second_event->path.view() == path.view(), "it fires again, with the path");
    report(xenstore::unwatch(path, "token").has_value(), "unwatch");
    (void)xenstore::write(path, "y");
    report(!xenstore::next_event(200 * millisecond), "then it is quiet");
}

void transactions()
{
    auto path = xenstore::Path{}.add(folder, "/transaction");
    (void)xenstore::write(path, "before");
    auto given_up = xenstore::begin_transaction();
    report(given_up.has_value(), "begin");
    (void)xenstore::write(path, "inside", given_up.value_or(0));
    report(xenstore::read(path).value_or("") == "before", "not seen outside");
    report(xenstore::end_transaction(given_up.value_or(0), false).has_value(), "give up");
    report(xenstore::read(path).value_or("") == "before", "nothing happened");
    auto conflicting = xenstore::begin_transaction();
    (void)xenstore::read(path, conflicting.value_or(0));
    (void)xenstore::write(path, "outside");
    (void)xenstore::write(path, "inside", conflicting.value_or(0));
    auto result = xenstore::end_transaction(conflicting.value_or(0), true);
    report(!result && result.error() == Error::TryAgain, "a conflict is EAGAIN");
    auto good = xenstore::begin_transaction();
    (void)xenstore::write(path, "after", good.value_or(0));
    report(xenstore::end_transaction(good.value_or(0), true).has_value(), "commit");
    report(xenstore::read(path).value_or("") == "after", "it happened");
}

void run()
{
    if (!xenstore::open()) return skip("no xenstore ring: a guest started by a toolstack has one");
    reading_and_writing();
    large_values();
    watches();
    transactions();
    (void)xenstore::remove(folder);
}

}

constinit Guest const this_guest{"ring_xenstore", run};

}
