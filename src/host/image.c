/*
 * Images: what a plugin is given in init, and the ways out. All started images stay in one list for
 * the rest of the process, because their plugins' threads may hold their addresses for as long.
 */
#define _POSIX_C_SOURCE 200809L
#include "image.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nylon_ring/ext/log.h>
#include <nylon_ring/ext/result.h>
#include <nylon_ring/ext/state.h>

#include "error.h"
#include "guard.h"
#include "host_tables.h"
#include "loader.h"
#include "log.h"
#include "trace.h"

static _Atomic(nr__image_t *) started;

static void enlist(nr__image_t *image) {
    image->older = atomic_load_explicit(&started, memory_order_relaxed);
    /* The list is only ever added to. Pairs with the acquire in `nr__image_at`. */
    while (!atomic_compare_exchange_weak_explicit(&started, &image->older, image,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

const nr__image_t *nr__image_at(uintptr_t address) {
    const nr__image_t *image = atomic_load_explicit(&started, memory_order_acquire);
    while (image != NULL &&
           (address < atomic_load_explicit(&image->code, memory_order_relaxed) ||
            address >= atomic_load_explicit(&image->code_end, memory_order_relaxed))) {
        image = image->older;
    }
    return image;
}

static void set_code(nr__image_t *image, uintptr_t from, uintptr_t to) {
    atomic_store_explicit(&image->code, from, memory_order_relaxed);
    atomic_store_explicit(&image->code_end, to, memory_order_relaxed);
}

/* ---- What plugins hold ------------------------------------------------------------------- */

static const void *get_extension(void *host_ctx, const char *id) {
    static const struct {
        const char *id;
        const void *table;
    } tables[] = {
        {NR_EXT_STATE, &nr__host_ext},
        {NR_EXT_LOG, &nr__host_log},
        {NR_EXT_RESULT, &nr__host_vtable2},
    };
    (void)host_ctx;
    for (size_t i = 0; id != NULL && i < sizeof(tables) / sizeof(tables[0]); i++) {
        if (strcmp(tables[i].id, id) == 0) {
            return tables[i].table;
        }
    }
    return NULL;
}

static nr__image_t *image_new(void) {
    static _Atomic uint64_t serials;
    nr__image_t *image = calloc(1, sizeof(*image));
    if (image == NULL) {
        return NULL;
    }
    memcpy(&image->host_ctx.magic, NR_HOST_MAGIC, sizeof(image->host_ctx.magic));
    image->host_ctx.struct_size = sizeof(image->host_ctx);
    image->host_ctx.abi_version = NR_ABI_V2;
    image->host_ctx.get_extension = get_extension;
    image->host_ctx.host_ext = &nr__host_ext;
    image->serial = atomic_fetch_add_explicit(&serials, 1, memory_order_relaxed) + 1;
    return image;
}

static int no_memory(const char *path, nr_error_t *err) {
    return nr__fail(err, NR_E_NO_MEMORY, "out of memory while '%s' was being loaded", path);
}

/* ---- In ---------------------------------------------------------------------------------- */

int nr__image_open(const char *path, uint32_t abi, nr__image_t **out, nr_error_t *err) {
    nr__image_t *image = image_new();
    if (image == NULL) {
        return no_memory(path, err);
    }
    int rc = nr__library_open(path, &image->library, err);
    if (rc != 0) {
        free(image);
        return rc;
    }
    image->pinned = image->library.pinned;
    set_code(image, image->library.from, image->library.to);
    image->path = strdup(image->library.path);
    rc = image->path != NULL ? nr__loader_check(image, abi, err) : no_memory(path, err);
    if (rc != 0) {
        nr__image_discard(image);
        return rc;
    }
    *out = image;
    return 0;
}

/* An image whose init was called stays in the list, without its library. */
void nr__image_discard(nr__image_t *image) {
    set_code(image, 0, 0);
    nr__library_close(&image->library);
    if (image->name == NULL) {
        free(image->own_name);
        free(image->version);
        free(image->path);
        free(image);
    }
}

static NrStatus call_init(nr__image_t *image) {
    uint64_t seq = nr__trace_begin(image, NR_TRACE_INIT, 0, NR_OK, 0);
    NrStatus status;
    NR__GUARD(image, "init");
    if (image->v1 != NULL) {
        status = image->v1->init(image->plugin_ctx, &image->host_ctx, &nr__host_vtable1);
    } else {
        status = image->v2->init(&image->host_ctx, &nr__host_vtable2);
    }
    NR__GUARD_END();
    nr__trace_end(image, seq, NR_OUTCOME_DONE, status);
    return status;
}

int nr__image_start(nr__image_t *image, const char *name, nr_error_t *err) {
    image->name = strdup(name);
    if (image->name == NULL) {
        return no_memory(image->path, err);
    }
    enlist(image);
    NrStatus status = call_init(image);
    if (status != NR_OK) {
        return nr__fail_status(err, NR_E_PLUGIN_INIT_FAILED, status,
                               "the plugin '%s' ('%s') refused to start: its init answered %s "
                               "(%" PRIu32 "); NYLON_RING_LOG=debug shows what it logs",
                               name, image->path, nr_status_name(status), status);
    }
    nr__loader_extensions(image);
    return 0;
}

/* ---- Out --------------------------------------------------------------------------------- */

void nr__image_shutdown(nr__image_t *image) {
    if (!image->has_shutdown) {
        return;
    }
    uint64_t seq = nr__trace_begin(image, NR_TRACE_SHUTDOWN, 0, NR_OK, 0);
    NR__GUARD(image, "shutdown");
    if (image->v1 != NULL) {
        image->v1->shutdown(image->plugin_ctx);
    } else {
        image->v2->shutdown();
    }
    NR__GUARD_END();
    nr__trace_end(image, seq, NR_OUTCOME_DONE, NR_OK);
}

int nr__image_may_run(const nr__image_t *image) {
    return !image->has_shutdown || atomic_load_explicit(&image->owed, memory_order_acquire) > 0;
}

int nr__image_keeps(const nr__image_t *image, char *text, size_t size) {
    uint64_t owed = atomic_load_explicit(&image->owed, memory_order_acquire);
    uint64_t held = atomic_load_explicit(&image->held, memory_order_acquire);
    if (image->pinned != NULL) {
        snprintf(text, size, "%s", image->pinned);
    } else if (!image->has_shutdown) {
        snprintf(text, size, "it has no shutdown, so nothing says when its threads have ended");
    } else if (owed > 0) {
        snprintf(text, size, "it owes %" PRIu64 " result%s, so threads of it may still run", owed,
                 owed == 1 ? "" : "s");
    } else if (held > 0) {
        snprintf(text, size, "%" PRIu64 " payload%s of it %s still in use", held,
                 held == 1 ? "" : "s", held == 1 ? "is" : "are");
    } else if (NR__SANITIZED) {
        snprintf(text, size, "this host is built with a sanitizer, which needs it for its reports");
    } else {
        return 0;
    }
    return 1;
}

int nr__image_close(nr__image_t *image) {
    set_code(image, 0, 0);
    return nr__library_close(&image->library);
}

void nr__image_abandon(nr__image_t *image) {
    nr__library_abandon(&image->library);
}
