/*
 * An image: one loaded and initialised copy of a plugin file.
 *
 * Its address is the host_ctx that the plugin holds, so an image whose init was called is never
 * freed: it stays in a process-wide list, and only its mapping goes away. What a call needs of it
 * is constant from the end of `nr__image_open` until the image is shut down.
 *
 *     open ──▶ serving ──▶ (last user drops it) ──▶ shut down ──▶ closed
 *                                                        └──────▶ kept mapped, with a reason
 */
#ifndef NR__IMAGE_H
#define NR__IMAGE_H

#include <stdatomic.h>
#include <stdint.h>

#include <nylon_ring/abi_v2.h>
#include <nylon_ring/ext/cancel.h>
#include <nylon_ring/ext/duplex.h>
#include <nylon_ring/ext/writable.h>
#include <nylon_ring/host.h>

#include "platform.h"

struct nr__lane;
struct nr__trace;

typedef struct nr__image {
    NrHostContext host_ctx; /* first: plugins hold this address */

    /* Constant while the image serves, but for `traced`. */
    uint64_t serial;    /* unique in the process, never 0 */
    uint32_t abi;       /* 1: `v1` is set; 2: `v2` is set */
    atomic_uint traced; /* 1: crossings are recorded; here, where every way looks anyway */
    void *plugin_ctx;
    const NrPluginVTable *v1;
    const NrPluginVTable2 *v2;
    const NrExtCancel *cancel;     /* NULL, or with its function */
    const NrExtWritable *writable; /* NULL, or with its function */
    const NrExtDuplex *duplex;     /* of a v1 plugin; NULL, or with stream_data */
    uint32_t struct_size;
    int has_shutdown, takes_input; /* so that tables that are gone are not asked */
    char *name;                    /* under which it was loaded, for messages; NULL before start */
    char *own_name, *version, *path;
    const char *pinned;    /* why it can not be unmapped, as far as its file tells; NULL: it can */
    nr__library_t library; /* until it was closed or abandoned */

    /* Where its code is mapped, for signal handlers; 0 to 0 when it is gone. */
    atomic_uintptr_t code, code_end;

    /* Written by any thread, relaxed; only for reports. */
    _Atomic uint64_t late, duplicate, unknown, backpressure;

    /* Ending results that calls given up have not sent: up when one is given up, down (not below
     * 0) when its late ending result comes. Above 0 after shutdown: it is never unmapped. */
    _Atomic uint64_t owed;

    /* Of these, the ones whose slot serves another use by now, so that nothing tells which uses
     * they are of: a result of an older use than its slot's is one of them while there are any. */
    _Atomic uint64_t forgotten;

    /* Payloads whose release or drop_fn lies in this image and has not been called. */
    _Atomic uint64_t held;

    struct nr__trace
        *trace; /* where it is recorded; stays once it is set, which is before `traced` */
    struct nr__lane *lanes;  /* all that were made for it, by `next` */
    struct nr__image *older; /* in the list of all started images */
} nr__image_t;

static inline nr__image_t *nr__image_of(void *host_ctx) {
    return (nr__image_t *)host_ctx;
}

/* Opens the file's private copy and checks the plugin, without running its init. `abi` as in
 * nr_load_options_t. `*out` is the caller's until it was started or discarded. A failure leaves
 * nothing behind; err says cause and cure. [any thread] */
int nr__image_open(const char *path, uint32_t abi, nr__image_t **out, nr_error_t *err);

/* Undoes an open that was not followed by a successful start. [any thread] */
void nr__image_discard(nr__image_t *image);

/* Runs init under this name and looks for the plugin's extensions. PLUGIN_INIT_FAILED with
 * `err->status` when init refuses, NO_MEMORY; discard the image then. [loop] */
int nr__image_start(nr__image_t *image, const char *name, nr_error_t *err);

/* Calls shutdown, if there is one. Blocks as long as the plugin likes; no other call into the image
 * may be under way. [any thread] */
void nr__image_shutdown(nr__image_t *image);

/* 1 when threads of it may run its code although it was shut down (results owed, or no shutdown):
 * the process must then leave without static destructors. [any thread] */
int nr__image_may_run(const nr__image_t *image);

/* Tells whether the image must stay mapped after its shutdown (no shutdown, results owed, payloads
 * held, pinned, a sanitizer's build): 1 with the reason in `text`, or 0: it may be closed.
 * [any thread] */
int nr__image_keeps(const nr__image_t *image, char *text, size_t size);

/* Unmaps the image and looks whether it is gone: 1, or 0 when something keeps it. Runs the
 * library's static destructors. [any thread] */
int nr__image_close(nr__image_t *image);

/* Leaves the image mapped for the rest of the process; no file stays. [any thread] */
void nr__image_abandon(nr__image_t *image);

/* The started image that has this address mapped, or NULL. Safe in signal handlers. [any thread] */
const nr__image_t *nr__image_at(uintptr_t address);

#endif
