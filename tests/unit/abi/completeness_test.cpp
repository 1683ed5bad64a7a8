// SPDX-License-Identifier: MIT
/// The tables of the ABI test must name all that our headers define: the headers are read as text, and
/// each constant, enumerator and structure in them is looked for. So nothing can be added, or renamed,
/// without being compared with Xen's.

#include "tests/unit/abi/all_tables.hpp"

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include <gtest/gtest.h>

namespace hospes::xen {
namespace {

using Names = std::set<std::string>;

/// What Debian's headers have no counterpart for, and where it comes from instead is said at its definition.
Names const ours_alone = {
    "E820Entry", // packed, and Linux's
    "memory_command_bits",
    "memory_command_mask",
    "hypercall_page_msr",
    "CpuidLeafOffset::Signature",
    "CpuidLeafOffset::Version",
    "CpuidLeafOffset::Hypercalls",
    "CpuidLeafOffset::Time",
    "CpuidLeafOffset::Hvm",
    "CpuidLeafOffset::Pv",
    "hvm_callback_type_shift",
    "platform_get_dom0_console",
    "has_no_hidden_bytes",
    "GuestHandle",
    "SharedRing", // compared in layout_test.cpp
    "FrontRing",
    "Release", // versions_test.cpp, as those behind it
    "domctl_interface_version",
    "sysctl_interface_version",
    "xen_major",
    "stable_interface_version",
};

std::filesystem::path headers() { return std::filesystem::path{__FILE__}.parent_path() / "../../../kernel/abi/xen"; }

/// The names a header defines at namespace scope: indented lines belong to what the line before them opened.
Names names_defined_in(std::filesystem::path const& header)
{
    static std::regex const flags{R"(^namespace (\w+) \{)"};
    static std::regex const enumeration{R"(^enum class (\w+) : \w+ \{)"};
    static std::regex const enumerator{R"(^    (\w+) = )"};
    static std::regex const constant{R"(^inline constexpr [\w:]+ (\w+) =)"};
    static std::regex const structure{R"(^(?:struct|class) (?:\[\[gnu::packed\]\] )?(\w+) \{)"};

    Names names;
    std::string scope;
    std::ifstream file{header};
    for (std::string line; std::getline(file, line);) {
        std::smatch match;
        if (line.starts_with("}")) {
            scope.clear();
        } else if (std::regex_search(line, match, flags) || std::regex_search(line, match, enumeration)) {
            scope = match.str(1) + "::";
        } else if (std::regex_search(line, match, constant) || std::regex_search(line, match, structure)) {
            names.insert(scope + match.str(1));
        } else if (!scope.empty() && std::regex_search(line, match, enumerator)) {
            names.insert(scope + match.str(1));
        }
    }
    return names;
}

Names names_listed()
{
    Names names = ours_alone;
    for (Table const& table : all_tables()) {
        for (ValueRow const& row : table.values) names.insert(row.name);
        for (StructureRow const& row : table.structures) names.insert(row.name);
    }
    return names;
}

TEST(XenAbi, TheTablesNameEverythingTheHeadersDefine)
{
    ASSERT_TRUE(std::filesystem::is_directory(headers())) << headers();
    Names const listed = names_listed();
    Names defined;
    for (auto const& entry : std::filesystem::recursive_directory_iterator{headers()}) {
        if (entry.is_regular_file()) defined.merge(names_defined_in(entry.path()));
    }
    for (std::string const& name : defined) EXPECT_TRUE(listed.contains(name)) << name << " is in no table";
    // The other way round, so that the reader of headers above cannot quietly stop seeing things.
    for (std::string const& name : listed) EXPECT_TRUE(defined.contains(name)) << name << " is in no header";
}

}
}
