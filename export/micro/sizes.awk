# Reads a linker map, and prints the bytes in flash and in RAM of each part of the application.
function number(hex,    i, value) { # 0x1f
    for (i = 3; i <= length(hex); i++) value = 16 * value + index("123456789abcdef", substr(hex, i, 1))
    return value
}
/^Linker script and memory map/ { begun = 1 }
!begun { next }
/^ \.[^ ]+$/ { section = $1; if (getline <= 0) exit; $0 = " " section " " $0 }
/^ (\.(text|rodata|data|bss|ARM\.ex|vectors)|COMMON)/ && $2 ~ /^0x/ && $4 != "" {
    part = "C library, libgcc, startup"
    if ($4 ~ /\/runtime\//) part = "TensorFlow Lite Micro"
    else if ($4 ~ /mim_models\.o/) part = $1 ~ /head/ ? "head" : $1 ~ /features/ ? "features model" : "generator model"
    else if ($4 ~ /golden_images\.o/) part = "golden images (not in the sum)"
    else if ($4 ~ /\/c\/[a-z_]+\.o/) part = "scorer in C"
    else if ($4 ~ /(scorer|responder|main)\.o/) part = "application"
    bytes = number($3)
    if ($1 ~ /^(\.bss|COMMON)/) ram[part] += bytes
    else if ($1 ~ /^\.data/) { flash[part] += bytes; ram[part] += bytes }
    else flash[part] += bytes
    parts[part] = 1
}
END {
    for (part in parts) {
        printf "%-36s %8d flash %8d RAM\n", part, flash[part], ram[part] | "sort"
        if (part !~ /not in the sum/) { all += flash[part]; used += ram[part] }
    }
    close("sort")
    printf "%-36s %8d flash %8d RAM\n", "sum", all, used
}
