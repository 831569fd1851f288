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

#include <nylon_ring/abi_v2.h>
#include <nylon_ring/ext/cancel.h>
#include <nylon_ring/ext/duplex.h>
#include <nylon_ring/ext/writable.h>
#include <nylon_ring/host.h>

#include "platform.h"

typedef struct nr__image {
    NrHostContext host_ctx; /* first: plugins hold this address */

    /* Constant while the image serves. */
    uint64_t serial; /* unique in the process, never 0 */
    uint32_t abi;    /* 1: `v1` is set; 2: `v2` is set */
    void *plugin_ctx;
    const NrPluginVTable *v1;
    const NrPluginVTable2 *v2;
    const NrExtCancel *cancel;     /* NULL, or with its function */
    const NrExtWritable *writable; /* NULL, or with its function */
    const NrExtDuplex *duplex;     /* NULL, or with both functions */
    const char *pinned;            /* why it can not be unmapped; NULL: it can */
    char *name;                    /* under which it was loaded; for messages, never freed */
    char *own_name, *version, *path;

    /* Written by any thread, relaxed; only for reports. */
    _Atomic uint64_t late, duplicate, unknown, backpressure;

    /* Ending results that calls given up have not sent: up when one is given up, down (not below 0)
     * when its late ending result comes. Above 0 after shutdown: the image is never unmapped. */
    _Atomic uint64_t owed;

    /* Payloads whose release or drop_fn lies in this image and has not been called. */
    _Atomic uint64_t held;

    nr__library_t library;
    struct nr__image *next; /* in the list of all images */
} nr__image_t;

static inline nr__image_t *nr__image_of(void *host_ctx) {
    return (nr__image_t *)host_ctx;
}

/* Loads the file from a private copy, checks it, and runs its init. `name` NULL: the plugin's own
 * name. `abi` as in nr_load_options_t. A failure leaves nothing behind; err says cause and cure.
 * [loop] */
int nr__image_open(const char *path, const char *name, uint32_t abi, nr__image_t **out,
                   nr_error_t *err);

/* Calls shutdown, if there is one. Blocks as long as the plugin likes; no other call into the image
 * may be under way. [any thread] */
void nr__image_shutdown(nr__image_t *image);

/* Why the image must stay mapped as things are now (missing shutdown, results owed, payloads held,
 * pinned, a sanitizer's build), or NULL: it may be closed. [any thread] */
const char *nr__image_keep_reason(const nr__image_t *image, char *text, size_t size);

/* Unmaps the image after its shutdown and looks whether it is gone. 1: it is; 0: something keeps
 * it. Runs the plugin's static destructors. [any thread] */
int nr__image_close(nr__image_t *image);

#endif
