/* Opening and closing libraries, threads and their stacks, on Linux. */
#define _GNU_SOURCE
#include "platform.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>
#include <unwind.h>

#include "error.h"
#include "explain.h"

/* ---- Copies that stay -------------------------------------------------------------------- */

static int is_traced(void) {
    FILE *status = fopen("/proc/self/status", "re");
    if (status == NULL) {
        return 0;
    }
    char line[256];
    long tracer = 0;
    while (tracer == 0 && fgets(line, sizeof(line), status) != NULL) {
        if (strncmp(line, "TracerPid:", 10) == 0) {
            tracer = strtol(line + 10, NULL, 10);
        }
    }
    fclose(status);
    return tracer != 0;
}

/* Debuggers and sanitizers read lines and names from the file long after it was opened. */
static int copies_stay(void) {
    const char *wish = getenv("NYLON_RING_KEEP_COPIES");
    if (wish != NULL && wish[0] != '\0') {
        return strcmp(wish, "0") != 0;
    }
    return is_traced();
}

/* ---- Libraries --------------------------------------------------------------------------- */

static int is_named(struct dl_phdr_info *info, size_t size, void *name) {
    (void)size;
    return strcmp(info->dlpi_name, name) == 0;
}

/* Notes where the library is mapped, when it is this one. */
static int find_range(struct dl_phdr_info *info, size_t size, void *arg) {
    nr__library_t *library = arg;
    if (!is_named(info, size, library->copy.path)) {
        return 0;
    }
    library->from = UINTPTR_MAX;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + segment->p_vaddr;
        if (segment->p_type == PT_LOAD) {
            library->from = from < library->from ? from : library->from;
            library->to = from + segment->p_memsz;
        }
    }
    return 1;
}

/* Checks the copy's bytes, then lets the system's loader have it. */
static int open_copy(int fd, nr__library_t *library, nr_error_t *err) {
    nr__elf_t elf;
    int rc = nr__elf_open(fd, library->path, &elf, err);
    if (rc != 0) {
        return rc;
    }
    library->handle = dlopen(library->copy.path, RTLD_NOW | RTLD_LOCAL);
    if (library->handle == NULL) {
        const char *text = dlerror();
        rc = nr__explain(text != NULL ? text : "no reason given", library->path, &library->copy,
                         &elf, err);
    } else {
        library->pinned = nr__elf_pinned(&elf);
        dl_iterate_phdr(find_range, library);
    }
    nr__elf_close(&elf);
    return rc;
}

static void release(nr__library_t *library) {
    if (library->copy_kept) {
        nr__copy_remove(&library->copy);
    }
    nr__copy_free(&library->copy);
    free(library->path);
    *library = (nr__library_t){0};
}

int nr__library_open(const char *path, nr__library_t *out, nr_error_t *err) {
    nr__library_t library = {0};
    int rc = nr__copy_absolute(path, &library.path, err);
    if (rc != 0) {
        return rc;
    }
    int fd = nr__copy_make(library.path, &library.copy, err);
    if (fd < 0) {
        release(&library);
        return fd;
    }
    library.copy_kept = 1;
    rc = open_copy(fd, &library, err);
    close(fd);
    if (rc != 0) {
        release(&library);
        return rc;
    }
    if (!copies_stay()) {
        nr__copy_remove(&library.copy);
        library.copy_kept = 0;
    }
    *out = library;
    return 0;
}

void *nr__library_symbol(const nr__library_t *library, const char *name) {
    return dlsym(library->handle, name);
}

int nr__library_close(nr__library_t *library) {
    if (!NR__SANITIZED) {
        dlclose(library->handle);
    }
    int gone = dl_iterate_phdr(is_named, library->copy.path) == 0;
    release(library);
    return gone;
}

void nr__library_abandon(nr__library_t *library) {
    release(library);
}

/* ---- Threads ----------------------------------------------------------------------------- */

typedef struct start {
    void (*fn)(void *arg);
    void *arg;
} start_t;

static void *thread_main(void *arg) {
    start_t start = *(start_t *)arg;
    free(arg);
    start.fn(start.arg);
    return NULL;
}

int nr__thread_start(void (*fn)(void *arg), void *arg, nr_error_t *err) {
    start_t *start = malloc(sizeof(*start));
    if (start == NULL) {
        return nr__fail(err, NR_E_NO_MEMORY, "out of memory for a helper thread");
    }
    *start = (start_t){.fn = fn, .arg = arg};
    pthread_t thread;
    int cause = pthread_create(&thread, NULL, thread_main, start);
    if (cause != 0) {
        free(start);
        return nr__fail(err, NR_E_SYSTEM, "no helper thread can be started: %s", strerror(cause));
    }
    pthread_detach(thread);
    return 0;
}

uint64_t nr__thread_number(void) {
    return (uint64_t)pthread_self(); /* asking the kernel would take longer than all else */
}

#define FRAMES_MAX 256 /* a stack that was overwritten may lead in a circle */

typedef struct look {
    int (*at)(void *data, uintptr_t address);
    void *data;
    int found, frames;
} look_t;

static _Unwind_Reason_Code look_at_frame(struct _Unwind_Context *frame, void *data) {
    look_t *look = data;
    look->found = look->at(look->data, _Unwind_GetIP(frame));
    return look->found || ++look->frames == FRAMES_MAX ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* Where a signal came from; 0: not known. */
static uintptr_t address_of(const ucontext_t *context) {
#if defined(__x86_64__)
    return (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (uintptr_t)context->uc_mcontext.pc;
#else
    (void)context;
    return 0;
#endif
}

int nr__stack_find(const void *context, int (*at)(void *data, uintptr_t address), void *data) {
    look_t look = {.at = at, .data = data};
    if (context != NULL && at(data, address_of(context))) {
        return 1;
    }
    _Unwind_Backtrace(look_at_frame, &look);
    return look.found;
}
