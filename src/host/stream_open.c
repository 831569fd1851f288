/* Streams from their start to their end, and the input for their plugins. */
#include <stdlib.h>

#include "call.h"
#include "error.h"
#include "stream.h"
#include "trace.h"

static uint64_t or_default(uint64_t asked, uint64_t otherwise) {
    return asked != 0 ? asked : otherwise;
}

static nr_stream_t *new_stream(nr__lane_t *lane, const nr_stream_options_t *options) {
    nr_stream_t *stream = calloc(1, sizeof *stream);
    uint64_t frames = options->max_frames;

    if (stream == NULL) {
        return NULL;
    }
    frames = frames != 0 && frames < 64 ? 64 : frames;
    stream->in_end = &stream->in;
    stream->out_end = &stream->out;
    stream->limits[0].frames = or_default(frames, NR_STREAM_FRAMES_V1);
    stream->limits[0].bytes = or_default(options->max_bytes, NR_STREAM_BYTES_V1);
    stream->limits[1].frames = or_default(frames, NR_STREAM_FRAMES);
    stream->limits[1].bytes = or_default(options->max_bytes, NR_STREAM_BYTES);
    stream->worker = lane->worker;
    stream->lane = lane;
    stream->user = options->user;
    stream->timeout_ms = options->timeout_ms;
    stream->deadline = NR__NEVER;
    return stream;
}

static void free_stream(nr_stream_t *stream) {
    nr__frames_t *frames = stream->worker != NULL ? &stream->worker->frames : NULL;

    nr__frame_free_all(frames, stream->out);
    nr__frame_free_all(frames, stream->in);
    free(stream);
}

static void list(nr_stream_t *stream) {
    nr_stream_t *first = stream->worker->streams;

    stream->next = first;
    if (first != NULL) {
        first->previous = stream;
    }
    stream->worker->streams = stream;
}

static void unlist(nr_stream_t *stream) {
    if (stream->worker == NULL) {
        return;
    }
    if (stream->previous != NULL) {
        stream->previous->next = stream->next;
    } else {
        stream->worker->streams = stream->next;
    }
    if (stream->next != NULL) {
        stream->next->previous = stream->previous;
    }
}

/* `handle` has taken the call. */
static void start(nr_stream_t *stream, const nr__inside_t *call, uint64_t deadline_ms) {
    stream->sid = call->sid;
    stream->slot = call->slot;
    stream->deadline = nr__due_in(deadline_ms);
    list(stream);
    nr__stream_started(stream);
}

int nr_stream_open(nr_plugin_t *plugin, nr_request_t *request, NrBytes payload,
                   const nr_stream_options_t *options, nr_stream_t **out, nr_error_t *err) {
    static const nr_stream_options_t defaults = {0};
    nr__call_extra_t extra = {0};
    nr__lane_t *lane = plugin->lane;
    nr__inside_t call;
    NrStatus status;
    int error;

    options = options != NULL ? options : &defaults;
    extra.stream = new_stream(lane, options);
    extra.state = options->state;
    extra.state_len = options->state_len;
    if (extra.stream == NULL) {
        return nr__fail(err, NR_E_NO_MEMORY, "no memory for another stream");
    }
    error = nr__call_open(plugin, &payload, &extra, &call, err);
    if (error != 0) {
        free_stream(extra.stream);
        return error;
    }
    status = nr__call_handle(&call, request, payload);
    if (status != NR_OK) {
        nr__slot_give_up(call.worker, call.slot, 0);
        nr__lane_count(lane, NR_E_PLUGIN_HANDLE_FAILED, status);
        free_stream(extra.stream);
        return nr__call_refused(call.image, request, status, err);
    }
    start(extra.stream, &call, options->deadline_ms);
    *out = extra.stream;
    return 0;
}

void nr_stream_close(nr_stream_t *stream) {
    if (stream->worker != NULL) {
        nr_stream_wait(stream, NULL);
        nr__stream_give_up(stream, NR_E_CANCELLED);
        unlist(stream);
    }
    free_stream(stream);
}

int nr_stream_ended(const nr_stream_t *stream) {
    return stream->out == NULL && stream->ended != 0;
}

uint64_t nr_stream_sid(const nr_stream_t *stream) {
    return stream->sid;
}

void nr__streams_part(nr_worker_t *worker) {
    while (worker->streams != NULL) {
        nr_stream_t *stream = worker->streams;

        nr_stream_wait(stream, NULL);
        nr__stream_give_up(stream, NR_E_LOOP_CLOSED);
        unlist(stream);
        stream->worker = NULL;
    }
}

static int has_input(const nr__image_t *image) {
    return image->duplex != NULL || (image->v2 != NULL && image->v2->stream_data != NULL);
}

/* 0 when input can be given to the stream's plugin now. */
static int check_input(const nr_stream_t *stream, nr_error_t *err) {
    const nr__image_t *image = stream->lane->image;

    if (stream->slot == NULL || nr__slot_state(nr__slot_word(stream->slot)) != NR__OPEN) {
        return nr__fail(err, NR_E_STREAM_ENDED, "the stream has ended and takes no more input");
    }
    if (!has_input(image)) {
        return nr__fail(err, NR_E_UNSUPPORTED, "plugin '%s' takes no input for its streams",
                        image->name);
    }
    if (stream->finished) {
        return nr__fail(err, NR_E_STREAM_ENDED, "the stream's input was finished before");
    }
    return 0;
}

/* What the plugin answered to input. */
static int input_result(const nr__image_t *image, NrStatus status, nr_error_t *err) {
    if (status == NR_OK) {
        return 0;
    }
    if (status == NR_BACKPRESSURE) {
        return nr__fail(err, NR_E_BACKPRESSURE,
                        "plugin '%s' takes no more input now; offer it again later", image->name);
    }
    return nr__fail_status(err, NR_E_PLUGIN_HANDLE_FAILED, status,
                           "plugin '%s' refused the stream's input with status %u (%s)",
                           image->name, (unsigned)status, nr_status_name(status));
}

int nr_stream_send(nr_stream_t *stream, NrBytes data, nr_error_t *err) {
    nr__image_t *image = stream->lane->image;
    NrStatus status;
    uint64_t seq;
    int error = check_input(stream, err);

    if (error != 0) {
        return error;
    }
    if (data.ptr == NULL) {
        if (data.len > 0) {
            return nr__fail(err, NR_E_INVALID_REQUEST, "the data has a length but no bytes");
        }
        data.ptr = (const uint8_t *)nr__nothing;
    }
    seq = nr__trace_begin(image, NR_TRACE_STREAM_DATA, stream->sid, NR_OK, data.len);
    NR__GUARD(image, "stream_data");
    status = image->duplex != NULL
                 ? image->duplex->stream_data(image->plugin_ctx, stream->sid, data)
                 : image->v2->stream_data(stream->sid, data);
    NR__GUARD_END();
    nr__trace_end(image, seq, NR_OUTCOME_DONE, status);
    return input_result(image, status, err);
}

int nr_stream_finish(nr_stream_t *stream, nr_error_t *err) {
    int error = check_input(stream, err);

    return error != 0 ? error
                      : input_result(stream->lane->image, nr__stream_tell_closed(stream), err);
}
