/*
 * The trace of a plugin: the last crossings of its ABI, from any thread.
 *
 *     any thread ── begin ──▶ ring of events ── nr_plugin_events ──▶ loop
 *                ── end ────▶ the same event, if it is still there
 *
 * An event is recorded when its call begins, so that events are in the order of causes and one that
 * hangs is seen, and completed when the call returns. A trace belongs to all images of one plugin
 * and lives as long as they do, which is for ever; its ring is there while it is on.
 */
#ifndef NR__TRACE_H
#define NR__TRACE_H

#include <nylon_ring/nr_trace.h>

#include "image.h"

struct nr__lane;

static inline int nr__traced(const nr__image_t *image) {
    return atomic_load_explicit(&image->traced, memory_order_relaxed) != 0;
}

/* Records that a call of this kind begins, for `nr__trace_finish`; 0 when it is not recorded. No
 * lock of the host is held. [any thread] */
uint64_t nr__trace_note(nr__image_t *image, nr_trace_kind_t kind, uint64_t sid, NrStatus status,
                        uint64_t len, NrStr text);

/* The call has returned: what became of it, and what the plugin answered. [any thread] */
void nr__trace_finish(nr__image_t *image, uint64_t seq, nr_outcome_t outcome, NrStatus answer);

/* Both, for images of which hardly one is traced. */
static inline uint64_t nr__trace_begin(nr__image_t *image, nr_trace_kind_t kind, uint64_t sid,
                                       NrStatus status, uint64_t len) {
    static const NrStr no_text;

    return nr__traced(image) ? nr__trace_note(image, kind, sid, status, len, no_text) : 0;
}

static inline void nr__trace_end(nr__image_t *image, uint64_t seq, nr_outcome_t outcome,
                                 NrStatus answer) {
    if (seq != 0) {
        nr__trace_finish(image, seq, outcome, answer);
    }
}

/* Records a call that has returned already. */
static inline void nr__trace_add(nr__image_t *image, nr_trace_kind_t kind, uint64_t sid,
                                 NrStatus status, uint64_t len, NrStr text, nr_outcome_t outcome) {
    if (nr__traced(image)) {
        uint64_t seq = nr__trace_note(image, kind, sid, status, len, text);
        nr__trace_end(image, seq, outcome, NR_OK);
    }
}

/* Begins a trace for the lane's image and the older ones of its plugin, or ends it (0). As
 * nr_plugin_trace. [loop] */
int nr__trace_set(struct nr__lane *lane, size_t capacity, nr_error_t *err);

/* As nr_plugin_info_t.trace. [loop] */
size_t nr__trace_capacity(const nr__image_t *image);

/* Lets an image that was not started record where its plugin's old one does, if that does. [loop]
 */
void nr__trace_inherit(nr__image_t *image, const nr__image_t *old);

#endif
