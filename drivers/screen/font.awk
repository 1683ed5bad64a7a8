# SPDX-License-Identifier: MIT
# Takes the printable ASCII characters out of a GRUB font (format PFF2) whose bytes `od -An -v -tu1` prints, and
# writes them as rows of pixels for drivers/screen/font.cpp: 16 bytes a character, the left pixel in the high bit.
# (GRUB manual for developers, "PFF2 font file format". GRUB's ascii.pf2 is GNU Unifont, under the SIL Open Font
# License 1.1 and the GPL: packaging/copyright.)

function number(at, bytes,    value) { for (value = 0; bytes > 0; --bytes) value = value * 256 + byte[at++]; return value }
function signed(at,    value) { value = number(at, 2); return value < 32768 ? value : value - 65536 }

{ for (i = 1; i <= NF; ++i) byte[count++] = $i }

END {
    for (at = 0; at < count && name != "DATA"; at += 8 + size) {
        name = sprintf("%c%c%c%c", byte[at], byte[at + 1], byte[at + 2], byte[at + 3])
        size = number(at + 4, 4)
        if (name == "ASCE") ascent = number(at + 8, 2)
        if (name == "CHIX")
            for (entry = at + 8; entry < at + 8 + size; entry += 9) where[number(entry, 4)] = number(entry + 5, 4)
    }
    for (code = 32; code < 127; ++code) {
        at = where[code]
        width = number(at, 2); height = number(at + 2, 2)
        left = signed(at + 4); top = ascent - signed(at + 6) - height
        for (row = 0; row < 16; ++row) pixels[row] = 0
        for (bit = 0; bit < width * height; ++bit)
            if (int(byte[at + 10 + int(bit / 8)] / 2 ^ (7 - bit % 8)) % 2)
                pixels[top + int(bit / width)] += 2 ^ (7 - left - bit % width)
        line = ""
        for (row = 0; row < 16; ++row) line = line pixels[row] ","
        print line
    }
}
