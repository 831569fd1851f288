#include "call.h"

#include <string.h>

#include "error.h"
#include "state.h"
#include "utf8.h"

#define TARGET_MAX 80 /* more than an event of a trace keeps */

_Thread_local nr__inside_t *nr__inside;

const uint64_t nr__nothing[4];

/* What can be said against the call before a slot is taken. */
static int check_call(const nr_plugin_t *plugin, NrBytes *payload, nr_error_t *err) {
    if (plugin->lane->closed) {
        return nr__fail(err, NR_E_PLUGIN_UNLOADED,
                        "plugin '%s' is being unloaded and takes no new calls", plugin->name);
    }
    if (payload->ptr == NULL) {
        if (payload->len > 0) {
            return nr__fail(err, NR_E_INVALID_REQUEST, "the payload has a length but no bytes");
        }
        payload->ptr = (const uint8_t *)nr__nothing;
    }
    return 0;
}

static int no_slot(int error, nr_error_t *err) {
    if (error == NR_E_NO_MEMORY) {
        nr__fail(err, error, "no memory for another call");
        return NR_E_NO_MEMORY;
    }
    nr__fail(err, error, "%u calls are open on this worker; let some finish first", NR__SLAB_SLOTS);
    return NR_E_TOO_MANY_CALLS;
}

int nr__call_open_extra(nr_plugin_t *plugin, NrBytes *payload, const nr__call_extra_t *extra,
                        nr__inside_t *call, nr_error_t *err) {
    static const nr__call_extra_t nothing = {NULL, NULL, 0};
    nr__lane_t *lane = plugin->lane;
    nr__slab_t *slab = lane->worker->slab;
    nr__slot_t *slot;
    nr__cold_t *cold;
    uint64_t flags = 0, word;
    int error = check_call(plugin, payload, err);

    if (error != 0) {
        return error;
    }
    slot = nr__slab_take(slab, &error);
    if (slot == NULL) {
        return no_slot(error, err);
    }
    extra = extra != NULL ? extra : &nothing;
    cold = nr__slot_cold(slot);
    if (extra->state_len > 0) {
        error = nr__values_init(cold, extra->state, extra->state_len, err);
        if (error != 0) {
            nr__slab_give(slab, slot);
            return error;
        }
        flags = NR__KEYED;
    }
    cold->stream = extra->stream;
    word = nr__slot_open(slot, cold, lane, extra->stream != NULL, flags);
    lane->calls++;
    call->sid = nr__slot_sid(slab, word);
    call->slot = slot;
    call->image = lane->image;
    call->worker = lane->worker;
    return 0;
}

static uint32_t resolve(nr__image_t *image, nr_request_t *request) {
    if (!request->entry_known || request->entry_serial != image->serial) {
        request->entry_id = image->v2->resolve_entry(request->request.path);
        request->entry_serial = image->serial;
        request->entry_known = 1;
    }
    return request->entry_id;
}

NrStatus nr__call_handle2(nr__image_t *image, uint64_t sid, nr_request_t *request,
                          NrBytes payload) {
    if (image->v2->handle_by_id != NULL) {
        uint32_t id = resolve(image, request);
        if (id != NR_ENTRY_UNKNOWN) {
            return image->v2->handle_by_id(id, sid, payload);
        }
    }
    return image->v2->handle(request->request.path, sid, payload);
}

/* Path and query as one text, or the entry's name. */
static NrStr target_of(const nr__image_t *image, const NrRequest *request,
                       uint8_t text[TARGET_MAX]) {
    NrStr target = request->path;
    uint32_t rest;

    if (image->v1 == NULL || request->query.len == 0 || target.len >= TARGET_MAX - 1) {
        return target;
    }
    memcpy(text, target.ptr, target.len);
    text[target.len] = '?';
    rest = TARGET_MAX - 1 - target.len;
    rest = request->query.len < rest ? request->query.len : rest;
    memcpy(text + target.len + 1, request->query.ptr, rest);
    target.ptr = text;
    target.len += 1 + rest;
    return target;
}

NrStatus nr__call_handle_traced(const nr__inside_t *call, nr_request_t *request, NrBytes payload) {
    nr__image_t *image = call->image;
    uint8_t text[TARGET_MAX];
    NrStr target = target_of(image, &request->request, text);
    int by_id = image->v1 == NULL && image->v2->handle_by_id != NULL &&
                resolve(image, request) != NR_ENTRY_UNKNOWN;
    uint64_t seq = nr__trace_note(image, by_id ? NR_TRACE_HANDLE_BY_ID : NR_TRACE_HANDLE, call->sid,
                                  NR_OK, payload.len, target);
    NrStatus status = image->v1 != NULL ? image->v1->handle(image->plugin_ctx, call->sid,
                                                            &request->request, payload)
                                        : nr__call_handle2(image, call->sid, request, payload);

    nr__trace_end(image, seq, NR_OUTCOME_DONE, status);
    return status;
}

int nr__call_refused(const nr__image_t *image, const nr_request_t *request, NrStatus status,
                     nr_error_t *err) {
    uint8_t text[TARGET_MAX];
    NrStr target = target_of(image, &request->request, text);
    char line[TARGET_MAX];

    nr__utf8_line(line, sizeof(line), target.ptr, target.len);
    return nr__fail_status(err, NR_E_PLUGIN_HANDLE_FAILED, status,
                           "plugin '%s' refused '%s' with status %u (%s)", image->name, line,
                           (unsigned)status, nr_status_name(status));
}

/* The call has outlived `handle`: from now on it costs what pending calls cost. */
static int stay_pending(const nr__inside_t *call, const nr_call_options_t *options,
                        nr_result_t *result) {
    nr__cold_t *cold = nr__slot_cold(call->slot);
    nr__lane_t *lane = atomic_load_explicit(&cold->lane, memory_order_relaxed);

    result->user = options != NULL ? options->user : NULL;
    result->sid = call->sid;
    result->release = NULL;
    cold->user = result->user;
    nr__pending_start(call->worker, lane);
    if (options != NULL && options->timeout_ms != 0) {
        nr__deadline_set(call->worker, call->sid, nr__due_in(options->timeout_ms));
    }
    return NR_PENDING;
}

/* The way of nearly every call that is answered inside `handle`: its bytes are the slot's own or a
 * copy, and nothing else was asked of the slot. No thread changes an answered slot, so a plain
 * store frees it. */
static inline int take_inside(const nr__inside_t *call, nr__lane_t *lane, uint64_t word,
                              const nr_call_options_t *options, nr_result_t *result) {
    nr__slot_t *slot = call->slot;
    NrStatus status = slot->status;

    result->user = options != NULL ? options->user : NULL;
    result->sid = call->sid;
    result->error = 0;
    result->status = status;
    if (slot->kind == NR__SMALL) {
        result->data = result->store;
        result->len = slot->len;
        result->release = NULL;
        if (slot->len > 0) {
            memcpy(result->store, slot->data.bytes, sizeof result->store);
        }
    } else {
        nr__payload_heap_into(result, &slot->data.kept);
    }
    nr__slot_unclaim(slot, nr__word_in(word, nr__rules[NR__ANSWERED][NR__IN_TAKE].next));
    nr__slab_give(call->worker->slab, slot);
    if (status == NR_OK) {
        lane->ok++;
    } else {
        nr__lane_count(lane, 0, status);
    }
    return NR_DONE;
}

/* The call was not simply answered inside `handle`. */
static int finish_start(const nr__inside_t *call, const nr_request_t *request, NrStatus status,
                        const nr_call_options_t *options, nr_result_t *result, nr_error_t *err) {
    nr__lane_t *lane = atomic_load_explicit(&nr__slot_cold(call->slot)->lane, memory_order_relaxed);
    uint64_t word;

    if (status != NR_OK) {
        nr__slot_give_up(call->worker, call->slot, 0);
        nr__lane_count(lane, NR_E_PLUGIN_HANDLE_FAILED, status);
        return nr__call_refused(call->image, request, status, err);
    }
    word = nr__slot_word(call->slot);
    if (nr__slot_state(word) != NR__ANSWERED || (word & NR__MAILED) != 0) {
        return stay_pending(call, options, result);
    }
    result->user = options != NULL ? options->user : NULL;
    nr__slot_result(call->worker->slab, call->slot, word, result);
    nr__slot_finish(call->worker, call->slot, word, NR__IN_TAKE);
    nr__lane_count(lane, result->error, result->status);
    return NR_DONE;
}

int nr_call(nr_plugin_t *plugin, nr_request_t *request, NrBytes payload,
            const nr_call_options_t *options, nr_result_t *result, nr_error_t *err) {
    nr__call_extra_t extra = {NULL, NULL, 0};
    nr__lane_t *lane = plugin->lane;
    nr__inside_t call;
    NrStatus status;
    uint64_t word;
    int error;

    if (options != NULL && options->state_len > 0) {
        extra.state = options->state;
        extra.state_len = options->state_len;
    }
    error = nr__call_open(plugin, &payload, extra.state_len > 0 ? &extra : NULL, &call, err);
    if (error != 0) {
        return error;
    }
    status = nr__call_handle(&call, request, payload);
    word = nr__slot_word(call.slot);
    if (status == NR_OK && (word & NR__FLAGS) == NR__ANSWERED &&
        (call.slot->kind == NR__SMALL || call.slot->kind == NR__HEAP)) {
        return take_inside(&call, lane, word, options, result);
    }
    return finish_start(&call, request, status, options, result, err);
}

int nr_notify(nr_plugin_t *plugin, nr_request_t *request, NrBytes payload,
              const nr_call_options_t *options, nr_error_t *err) {
    nr__call_extra_t extra = {NULL, NULL, 0};
    nr__inside_t call;
    nr__lane_t *lane = plugin->lane;
    NrStatus status;
    int error;

    if (options != NULL) {
        extra.state = options->state;
        extra.state_len = options->state_len;
    }
    error = nr__call_open(plugin, &payload, extra.state_len > 0 ? &extra : NULL, &call, err);
    if (error != 0) {
        return error;
    }
    status = nr__call_handle(&call, request, payload);
    nr__slot_give_up(call.worker, call.slot, status == NR_OK);
    nr__lane_count(lane, status == NR_OK ? 0 : NR_E_PLUGIN_HANDLE_FAILED, status);
    return status == NR_OK ? 0 : nr__call_refused(call.image, request, status, err);
}

int nr_call_cancel(nr_worker_t *worker, uint64_t sid) {
    if (nr__worker_forget_ended(worker, sid)) {
        return 0;
    }
    if (nr__sid_is_stream(sid) || !nr__pending_give_up(worker, sid, NR_E_CANCELLED, 1)) {
        return NR_E_CANCELLED;
    }
    return 0;
}
