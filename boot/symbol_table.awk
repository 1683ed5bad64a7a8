# SPDX-License-Identifier: MIT
# From `nm -n -C` on the first link to the table that backtraces use (kernel/log/symbols.cpp):
# functions in ascending order, each its distance from the one before (the first: from text_start), and their names.

function shorten(name) {
    sub(/ \[clone.*/, "", name)
    sub(/^.*<&/, "", name) # made of one function: has that one's name
    gsub(/\(anonymous namespace\)::|__1::|\[abi:[^\]]*\]/, "", name)
    while (sub(/<[^<>]*>/, "", name)) {}
    sub(/\(.*/, "", name)
    sub(/.* /, "", name)
    sub(/^hospes::/, "", name)
    return substr(name, 1, 60)
}

BEGIN { count = 0; print ".section .symbol_table, \"a\"\n.balign 8" }

$3 == "text_start" { start = $1 }
$3 == "text_end"   { end = $1 }
tolower($2) == "t" || tolower($2) == "w" {
    address = $1
    name = $0
    sub(/^[^ ]+ [^ ]+ /, "", name)
    if (name ~ /^\.L/ || name == "") next
    if (address == last) next
    last = address
    addresses[count] = address
    names[count] = shorten(name)
    count++
}

END {
    kept = 0
    for (i = 0; i < count; i++)
        if (addresses[i] >= start && addresses[i] < end && names[i] != "") kept_index[kept++] = i
    print ".global symbol_distances, symbol_count, symbol_names"
    print "symbol_count: .quad " kept
    print "symbol_distances:"
    before = start
    for (k = 0; k < kept; k++) {
        print ".short 0x" addresses[kept_index[k]] " - 0x" before
        before = addresses[kept_index[k]]
    }
    print "symbol_names:"
    for (k = 0; k < kept; k++)
        print ".asciz \"" names[kept_index[k]] "\""
    print ".section .note.GNU-stack, \"\", @progbits"
}
