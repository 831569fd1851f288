/*
 * Reading ELF files. A file is hostile until shown otherwise: every offset that it names is checked
 * against its size before it is followed. Addresses of the dynamic section are turned into offsets
 * by the segments, since section headers may be stripped.
 */
#define _GNU_SOURCE
#include "elf_file.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "error.h"

#if defined(__x86_64__)
#define OWN_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define OWN_MACHINE EM_AARCH64
#elif defined(__riscv)
#define OWN_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define OWN_MACHINE EM_PPC64
#elif defined(__s390x__)
#define OWN_MACHINE EM_S390
#elif defined(__loongarch64)
#define OWN_MACHINE 258
#else
#error "name this machine's ELF number here"
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define OWN_DATA ELFDATA2LSB
#else
#define OWN_DATA ELFDATA2MSB
#endif

static const char *machine_name(unsigned machine) {
    switch (machine) {
    case EM_386:
        return "i386";
    case EM_X86_64:
        return "x86-64";
    case EM_ARM:
        return "arm";
    case EM_AARCH64:
        return "aarch64";
    case EM_RISCV:
        return "riscv";
    case EM_PPC64:
        return "ppc64";
    case EM_S390:
        return "s390x";
    case 258:
        return "loongarch";
    default:
        return "another machine";
    }
}

/* `count` records of `size` bytes at `offset` of the file, or NULL when they are not all in it or
 * lie askew. (The widest field of ELF's records is as wide as the power of two in their size.) */
static const void *slice(const nr__elf_t *elf, uint64_t offset, uint64_t count, size_t size) {
    uint64_t align = size % 8 == 0 ? 8 : 4;
    if (offset > elf->size || count > (elf->size - offset) / size || offset % align != 0) {
        return NULL;
    }
    return elf->bytes + offset;
}

/* The file's offset of a virtual address, and in `*left` how many bytes of its segment follow it in
 * the file. UINT64_MAX when no segment holds it. */
static uint64_t offset_of(const nr__elf_t *elf, uint64_t address, uint64_t *left) {
    for (size_t i = 0; i < elf->segments_len; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address - segment->p_vaddr < segment->p_filesz) {
            *left = segment->p_filesz - (address - segment->p_vaddr);
            return segment->p_offset + (address - segment->p_vaddr);
        }
    }
    *left = 0;
    return UINT64_MAX;
}

static const Elf64_Dyn *dynamic_entry(const nr__elf_t *elf, Elf64_Sxword tag) {
    for (size_t i = 0; i < elf->dynamic_len && elf->dynamic[i].d_tag != DT_NULL; i++) {
        if (elf->dynamic[i].d_tag == tag) {
            return &elf->dynamic[i];
        }
    }
    return NULL;
}

static int has_flag(const nr__elf_t *elf, Elf64_Sxword tag, uint64_t flag) {
    const Elf64_Dyn *entry = dynamic_entry(elf, tag);
    return entry != NULL && (entry->d_un.d_val & flag) != 0;
}

/* ---- Is it a shared library for us ------------------------------------------------------ */

static int is_program(const char *path, nr_error_t *err) {
    return nr__fail(err, NR_E_LOAD_FAILED,
                    "'%s' is a program, not a shared library: build it with -shared", path);
}

static int check_kind(const Elf64_Ehdr *header, const char *path, nr_error_t *err) {
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != OWN_DATA ||
        header->e_machine != OWN_MACHINE) {
        int foreign = header->e_ident[EI_DATA] != OWN_DATA;
        const char *bits = header->e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32";
        return nr__fail(err, NR_E_LOAD_FAILED,
                        "'%s' is built for %s (%s bit), this process runs on %s (64 bit): "
                        "build the plugin for this machine",
                        path, foreign ? "another byte order" : machine_name(header->e_machine),
                        bits, machine_name(OWN_MACHINE));
    }
    if (header->e_type == ET_REL) {
        return nr__fail(err, NR_E_LOAD_FAILED,
                        "'%s' is an object file: link it into a shared library with -shared", path);
    }
    if (header->e_type != ET_DYN) {
        return is_program(path, err);
    }
    return 0;
}

static int check_header(const nr__elf_t *elf, const char *path, nr_error_t *err) {
    if (elf->size < SELFMAG || memcmp(elf->bytes, ELFMAG, SELFMAG) != 0) {
        return nr__fail(err, NR_E_LOAD_FAILED,
                        "'%s' is not a shared library%s: give the .so file that the plugin's "
                        "build made",
                        path, elf->size == 0 ? " (it is empty)" : "");
    }
    if (elf->size < sizeof(Elf64_Ehdr)) {
        return nr__fail(err, NR_E_LOAD_FAILED, "'%s' is cut short: copy or build the plugin anew",
                        path);
    }
    return check_kind((const Elf64_Ehdr *)(const void *)elf->bytes, path, err);
}

/* The loader would map what a truncated file does not have, and die of it at the first touch. */
static int check_segments(nr__elf_t *elf, const char *path, nr_error_t *err) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)elf->bytes;
    const Elf64_Phdr *segments = NULL;
    if (header->e_phentsize == sizeof(Elf64_Phdr)) {
        segments = slice(elf, header->e_phoff, header->e_phnum, sizeof(Elf64_Phdr));
    }
    int whole = segments != NULL && header->e_phnum > 0;
    for (size_t i = 0; whole && i < header->e_phnum; i++) {
        whole = segments[i].p_type != PT_LOAD ||
                (segments[i].p_offset <= elf->size &&
                 segments[i].p_filesz <= elf->size - segments[i].p_offset);
    }
    if (!whole) {
        return nr__fail(err, NR_E_LOAD_FAILED,
                        "'%s' is cut short or damaged: copy or build the plugin anew", path);
    }
    elf->segments = segments;
    elf->segments_len = header->e_phnum;
    return 0;
}

/* ---- Finding the dynamic section's tables ------------------------------------------------ */

static void find_dynamic(nr__elf_t *elf) {
    for (size_t i = 0; i < elf->segments_len; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        if (segment->p_type == PT_DYNAMIC) {
            size_t count = segment->p_filesz / sizeof(Elf64_Dyn);
            elf->dynamic = slice(elf, segment->p_offset, count, sizeof(Elf64_Dyn));
            elf->dynamic_len = elf->dynamic != NULL ? count : 0;
            return;
        }
    }
}

static void find_names(nr__elf_t *elf) {
    const Elf64_Dyn *table = dynamic_entry(elf, DT_STRTAB);
    const Elf64_Dyn *size = dynamic_entry(elf, DT_STRSZ);
    if (table == NULL || size == NULL || size->d_un.d_val == 0) {
        return;
    }
    uint64_t left;
    uint64_t offset = offset_of(elf, table->d_un.d_ptr, &left);
    if (size->d_un.d_val > left || elf->bytes[offset + size->d_un.d_val - 1] != '\0') {
        return;
    }
    elf->names = (const char *)elf->bytes + offset;
    elf->names_len = size->d_un.d_val;
}

/* The highest symbol's number plus one, by the GNU hash table: buckets hold the first symbol of a
 * chain, a chain's last element has bit 0 set. Nothing else tells the number of dynamic symbols
 * without section headers. 0 when the table is not there or damaged. */
static size_t count_by_gnu_hash(const nr__elf_t *elf) {
    const Elf64_Dyn *entry = dynamic_entry(elf, DT_GNU_HASH);
    if (entry == NULL) {
        return 0;
    }
    uint64_t left;
    uint64_t offset = offset_of(elf, entry->d_un.d_ptr, &left);
    const uint32_t *table = slice(elf, offset, 4, sizeof(uint32_t));
    if (table == NULL) {
        return 0;
    }
    uint64_t buckets = table[0];
    uint64_t first = table[1];
    uint64_t words = left / sizeof(uint32_t);
    uint64_t chain = 4 + 2 * (uint64_t)table[2] + buckets; /* in words from the table's start */
    if (chain > words) {
        return 0;
    }
    uint64_t last = 0;
    for (uint64_t i = 0; i < buckets; i++) {
        uint32_t symbol = table[chain - buckets + i];
        last = symbol > last ? symbol : last;
    }
    if (last < first) {
        return 0;
    }
    for (uint64_t at = chain + (last - first); at < words; at++, last++) {
        if ((table[at] & 1) != 0) {
            return (size_t)last + 1;
        }
    }
    return 0;
}

static size_t count_by_sysv_hash(const nr__elf_t *elf) {
    const Elf64_Dyn *entry = dynamic_entry(elf, DT_HASH);
    uint64_t left;
    uint64_t offset = entry != NULL ? offset_of(elf, entry->d_un.d_ptr, &left) : UINT64_MAX;
    const uint32_t *table = slice(elf, offset, 2, sizeof(uint32_t));
    return table != NULL ? table[1] : 0;
}

static void find_symbols(nr__elf_t *elf) {
    const Elf64_Dyn *table = dynamic_entry(elf, DT_SYMTAB);
    if (table == NULL || elf->names == NULL) {
        return;
    }
    size_t count = count_by_gnu_hash(elf);
    count = count != 0 ? count : count_by_sysv_hash(elf);
    uint64_t left;
    uint64_t offset = offset_of(elf, table->d_un.d_ptr, &left);
    elf->symbols = slice(elf, offset, count, sizeof(Elf64_Sym));
    elf->symbols_len = elf->symbols != NULL ? count : 0;
}

static int map(int fd, const char *path, nr__elf_t *elf, nr_error_t *err) {
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return nr__fail(err, NR_E_SYSTEM, "'%s' can not be read: %s", path, strerror(errno));
    }
    elf->size = (size_t)info.st_size;
    if (elf->size == 0) {
        return 0;
    }
    void *bytes = mmap(NULL, elf->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        return nr__fail(err, NR_E_SYSTEM, "'%s' can not be read: %s", path, strerror(errno));
    }
    elf->mapping = bytes;
    elf->bytes = bytes;
    return 0;
}

int nr__elf_open(int fd, const char *path, nr__elf_t *out, nr_error_t *err) {
    nr__elf_t elf = {.bytes = (const uint8_t *)""};
    int rc = map(fd, path, &elf, err);
    rc = rc == 0 ? check_header(&elf, path, err) : rc;
    rc = rc == 0 ? check_segments(&elf, path, err) : rc;
    if (rc == 0) {
        find_dynamic(&elf);
        find_names(&elf);
        find_symbols(&elf);
        rc = has_flag(&elf, DT_FLAGS_1, DF_1_PIE) ? is_program(path, err) : 0;
    }
    if (rc != 0) {
        nr__elf_close(&elf);
        return rc;
    }
    *out = elf;
    return 0;
}

void nr__elf_close(nr__elf_t *elf) {
    if (elf->mapping != NULL) {
        munmap(elf->mapping, elf->size);
    }
    *elf = (nr__elf_t){0};
}

/* ---- Questions --------------------------------------------------------------------------- */

/* Go's linker leaves the build's id in a note of its own name, wherever section headers went. */
static int has_go_note(const nr__elf_t *elf) {
    for (size_t i = 0; i < elf->segments_len; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];
        const Elf64_Nhdr *note = NULL;
        if (segment->p_type == PT_NOTE && segment->p_filesz >= sizeof(*note) + 4) {
            note = slice(elf, segment->p_offset, segment->p_filesz / 4, 4);
        }
        uint64_t at = 0;
        while (note != NULL && segment->p_filesz - at >= sizeof(*note) + 4) {
            note = (const void *)(elf->bytes + segment->p_offset + at);
            if (note->n_namesz == 4 && memcmp(note + 1, "Go\0", 4) == 0) {
                return 1;
            }
            uint64_t size = sizeof(*note) + ((note->n_namesz + UINT64_C(3)) & ~UINT64_C(3)) +
                            ((note->n_descsz + UINT64_C(3)) & ~UINT64_C(3));
            if (size > segment->p_filesz - at) {
                break;
            }
            at += size;
        }
    }
    return 0;
}

static int has_section(const nr__elf_t *elf, const char *wanted) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)elf->bytes;
    const Elf64_Shdr *sections = NULL;
    if (header->e_shentsize == sizeof(Elf64_Shdr) && header->e_shoff != 0) {
        sections = slice(elf, header->e_shoff, header->e_shnum, sizeof(Elf64_Shdr));
    }
    if (sections == NULL || header->e_shstrndx >= header->e_shnum) {
        return 0;
    }
    const Elf64_Shdr *names = &sections[header->e_shstrndx];
    size_t len = strlen(wanted) + 1;
    for (size_t i = 0; i < header->e_shnum; i++) {
        uint64_t at = sections[i].sh_name;
        if (at <= names->sh_size && names->sh_size - at >= len && names->sh_offset <= elf->size &&
            names->sh_size <= elf->size - names->sh_offset &&
            memcmp(elf->bytes + names->sh_offset + at, wanted, len) == 0) {
            return 1;
        }
    }
    return 0;
}

static int has_unique_symbol(const nr__elf_t *elf) {
    for (size_t i = 0; i < elf->symbols_len; i++) {
        if (ELF64_ST_BIND(elf->symbols[i].st_info) == STB_GNU_UNIQUE &&
            elf->symbols[i].st_shndx != SHN_UNDEF) {
            return 1;
        }
    }
    return 0;
}

const char *nr__elf_pinned(const nr__elf_t *elf) {
    if (has_go_note(elf) || has_section(elf, ".go.buildinfo")) {
        return "it contains the Go runtime, whose threads never end";
    }
    if (has_flag(elf, DT_FLAGS_1, DF_1_NODELETE)) {
        return "it was linked with -z nodelete";
    }
    if (has_unique_symbol(elf)) {
        return "it defines unique symbols (C++; compile it with -fno-gnu-unique)";
    }
    return NULL;
}

int nr__elf_needs(const nr__elf_t *elf, const char *library, size_t len) {
    for (size_t i = 0; i < elf->dynamic_len && elf->dynamic[i].d_tag != DT_NULL; i++) {
        uint64_t at = elf->dynamic[i].d_un.d_val;
        if (elf->dynamic[i].d_tag == DT_NEEDED && at < elf->names_len &&
            strlen(elf->names + at) == len && memcmp(elf->names + at, library, len) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *nr__elf_exported(const nr__elf_t *elf, size_t i) {
    const Elf64_Sym *symbol = &elf->symbols[i];
    unsigned bind = ELF64_ST_BIND(symbol->st_info);
    unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);
    int visible = visibility == STV_DEFAULT || visibility == STV_PROTECTED;
    int global = bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE;
    if (symbol->st_shndx == SHN_UNDEF || !visible || !global || symbol->st_name == 0 ||
        symbol->st_name >= elf->names_len) {
        return NULL;
    }
    return elf->names + symbol->st_name;
}
