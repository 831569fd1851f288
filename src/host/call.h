/* How a call is started, for unary calls and streams alike. [loop] */
#ifndef NR__CALL_H
#define NR__CALL_H

#include "guard.h"
#include "inside.h"
#include "pending.h"
#include "plugin.h"
#include "trace.h"

/* What an empty payload, text or array points to: never NULL, and aligned for anything. */
extern const uint64_t nr__nothing[4];

/* First values of the new sid's state, or a stream's queue. */
typedef struct nr__call_extra {
    nr_stream_t *stream; /* NULL: a unary call */
    const nr_state_value_t *state;
    size_t state_len;
} nr__call_extra_t;

/* As nr__call_open, for whatever needs more than a slot. */
int nr__call_open_extra(nr_plugin_t *plugin, NrBytes *payload, const nr__call_extra_t *extra,
                        nr__inside_t *call, nr_error_t *err);

/* Calls a v2 plugin by the entry's number, if it has one, or by its name. */
NrStatus nr__call_handle2(nr__image_t *image, uint64_t sid, nr_request_t *request, NrBytes payload);

/* Calls any plugin, and records that. */
NrStatus nr__call_handle_traced(const nr__inside_t *call, nr_request_t *request, NrBytes payload);

/* The call failed with the plugin's own status: PLUGIN_HANDLE_FAILED. */
int nr__call_refused(const nr__image_t *image, const nr_request_t *request, NrStatus status,
                     nr_error_t *err);

/* Opens a slot for a call to the plugin and fills `*call`. `extra` may be NULL. 0, or why no call
 * can be made. */
static inline int nr__call_open(nr_plugin_t *plugin, NrBytes *payload,
                                const nr__call_extra_t *extra, nr__inside_t *call,
                                nr_error_t *err) {
    nr__lane_t *lane = plugin->lane;
    nr__slab_t *slab = lane->worker->slab;
    nr__slot_t *slot = slab->idle;
    uint64_t word;

    if (lane->closed || slot == NULL || extra != NULL || payload->ptr == NULL) {
        return nr__call_open_extra(plugin, payload, extra, call, err);
    }
    slab->idle = (nr__slot_t *)slot->mail.next;
    word = nr__slot_open(slot, nr__slot_cold(slot), lane, 0, 0);
    lane->calls++;
    call->sid = nr__slot_sid(slab, word);
    call->slot = slot;
    call->image = lane->image;
    call->worker = lane->worker;
    return 0;
}

/* Runs the plugin's `handle` for the call. */
static inline NrStatus nr__call_handle(nr__inside_t *call, nr_request_t *request, NrBytes payload) {
    nr__image_t *image = call->image;
    NrStatus status;

    call->request = &request->request;
    call->outer = nr__inside;
    nr__inside = call;
    NR__GUARD(image, "handle");
    if (nr__traced(image)) {
        status = nr__call_handle_traced(call, request, payload);
    } else if (image->v1 != NULL) {
        status = image->v1->handle(image->plugin_ctx, call->sid, &request->request, payload);
    } else {
        status = nr__call_handle2(image, call->sid, request, payload);
    }
    NR__GUARD_END();
    nr__inside = call->outer;
    return status;
}

#endif
