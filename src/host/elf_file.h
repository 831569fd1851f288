/* What a shared library's file tells before it is opened: whether this process can load it, what it
 * needs, what it exports, and whether it could ever be unmapped. Reads the file's bytes only. */
#ifndef NR__ELF_FILE_H
#define NR__ELF_FILE_H

#include <elf.h>

#include <nylon_ring/host.h>

typedef struct nr__elf {
    void *mapping; /* NULL: the file is empty */
    const uint8_t *bytes;
    size_t size;
    const Elf64_Phdr *segments;
    size_t segments_len;
    const Elf64_Dyn *dynamic; /* NULL: none */
    size_t dynamic_len;
    const char *names; /* the dynamic string table, ends with a zero byte; NULL: none */
    size_t names_len;
    const Elf64_Sym *symbols; /* the dynamic symbols; NULL: none */
    size_t symbols_len;
} nr__elf_t;

/* Maps the file behind `fd` and checks that it is a whole shared library for this machine. `path`
 * is for messages. The file must not shrink while `*out` is in use. Errors: LOAD_FAILED, SYSTEM.
 * [any thread] */
int nr__elf_open(int fd, const char *path, nr__elf_t *out, nr_error_t *err);
void nr__elf_close(nr__elf_t *elf);

/* Why a process that has loaded the file can not unmap it, or NULL. Static. [any thread] */
const char *nr__elf_pinned(const nr__elf_t *elf);

/* 1 when the file names this library as one that it needs. [any thread] */
int nr__elf_needs(const nr__elf_t *elf, const char *library, size_t len);

/* The name of dynamic symbol `i` when the file exports it, else NULL. Lives as long as `elf`.
 * [any thread] */
const char *nr__elf_exported(const nr__elf_t *elf, size_t i);

#endif
