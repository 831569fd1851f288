/* The reader's end of a stream, on the loop. */
#include "stream.h"

#include <stdlib.h>

#include "guard.h"
#include "pending.h"
#include "trace.h"
#include "worker.h"

/* The spare frames of its loop, while there is one. */
static nr__frames_t *frames_of(const nr_stream_t *stream) {
    return stream->worker != NULL ? &stream->worker->frames : NULL;
}

static void set_ready(nr_stream_t *stream) {
    nr_worker_t *worker = stream->worker;

    if (stream->is_ready || worker == NULL) {
        return;
    }
    stream->is_ready = 1;
    stream->next_ready = NULL;
    stream->previous_ready = worker->ready_last;
    if (worker->ready_last != NULL) {
        worker->ready_last->next_ready = stream;
    } else {
        worker->ready = stream;
    }
    worker->ready_last = stream;
    nr__worker_update(worker);
}

static void unset_ready(nr_stream_t *stream) {
    nr_worker_t *worker = stream->worker;

    if (!stream->is_ready || worker == NULL) {
        return;
    }
    stream->is_ready = 0;
    if (stream->previous_ready != NULL) {
        stream->previous_ready->next_ready = stream->next_ready;
    } else {
        worker->ready = stream->next_ready;
    }
    if (stream->next_ready != NULL) {
        stream->next_ready->previous_ready = stream->previous_ready;
    } else {
        worker->ready_last = stream->previous_ready;
    }
    nr__worker_update(worker);
}

/* Moves what is queued to the reader's side. Under the claim, or after the end. */
static void move_frames(nr_stream_t *stream) {
    if (stream->in != NULL) {
        *stream->out_end = stream->in;
        stream->out_end = stream->in_end;
        stream->in = NULL;
        stream->in_end = &stream->in;
    }
}

/* The slot is not this stream's any more. */
static void detach(nr_stream_t *stream, int error) {
    move_frames(stream);
    stream->slot = NULL;
    stream->ended = error != 0 ? error : NR_E_STREAM_ENDED;
    if (stream->armed) {
        set_ready(stream);
    }
}

/* Counts the end. Nothing calls the plugin for this stream afterwards: it may be shut down. */
static void finish(nr_stream_t *stream, int error, NrStatus status) {
    if (stream->pending) {
        stream->pending = 0;
        nr__pending_finish(stream->worker, stream->lane, error, status);
    } else {
        nr__lane_count(stream->lane, error, status);
    }
}

void nr__stream_answered(nr_stream_t *stream) {
    detach(stream, stream->error);
    finish(stream, stream->error, stream->last_status);
}

static int takes_close(const nr__image_t *image) {
    return image->duplex != NULL ? image->duplex->stream_close != NULL
                                 : image->v2 != NULL && image->v2->stream_close != NULL;
}

NrStatus nr__stream_tell_closed(nr_stream_t *stream) {
    nr__image_t *image = stream->lane->image;
    NrStatus status;
    uint64_t seq;

    if (stream->finished || !takes_close(image)) {
        stream->finished = 1;
        return NR_OK;
    }
    stream->finished = 1;
    seq = nr__trace_begin(image, NR_TRACE_STREAM_CLOSE, stream->sid, NR_OK, 0);
    NR__GUARD(image, "stream_close");
    status = image->duplex != NULL ? image->duplex->stream_close(image->plugin_ctx, stream->sid)
                                   : image->v2->stream_close(stream->sid);
    NR__GUARD_END();
    nr__trace_end(image, seq, NR_OUTCOME_DONE, status);
    return status;
}

int nr__stream_give_up(nr_stream_t *stream, int error) {
    if (stream->slot == NULL) {
        return 0;
    }
    if (nr__slot_give_up(stream->worker, stream->slot, 1) != NR__WAS_OPEN) {
        nr__stream_answered(stream);
        return 0;
    }
    detach(stream, error);
    nr__tell_cancelled(stream->lane->image, stream->sid);
    nr__stream_tell_closed(stream);
    finish(stream, error, NR_OK);
    return 1;
}

/* How many Backpressures can be answered by `nylon.writable/1`, now that half of the queue is free.
 * Under the claim: a frame is refused before this and seen here, or after it and sees the room. */
static uint64_t take_refused(nr_stream_t *stream) {
    uint64_t refused = atomic_load_explicit(&stream->refused, memory_order_relaxed);
    uint64_t frames =
        stream->sent_frames - atomic_load_explicit(&stream->taken_frames, memory_order_relaxed);
    uint64_t bytes =
        stream->sent_bytes - atomic_load_explicit(&stream->taken_bytes, memory_order_relaxed);

    if (refused == 0 || frames > stream->limits[1].frames / 2 ||
        bytes > stream->limits[1].bytes / 2) {
        return 0;
    }
    atomic_store_explicit(&stream->refused, 0, memory_order_relaxed);
    return refused;
}

static void tell_writable(nr__image_t *image, uint64_t sid, uint64_t times) {
    if (image->writable == NULL) {
        return;
    }
    NR__GUARD(image, "nylon.writable/1");
    while (times-- > 0) {
        uint64_t seq = nr__trace_begin(image, NR_TRACE_WRITABLE, sid, NR_OK, 0);
        image->writable->writable(image->plugin_ctx, sid);
        nr__trace_end(image, seq, NR_OUTCOME_DONE, NR_OK);
    }
    NR__GUARD_END();
}

/* Takes what has come. If that is nothing and somebody waits, the next frame posts the slot. */
static void pull(nr_stream_t *stream) {
    uint64_t word, refused;
    int error;

    if (stream->slot == NULL) {
        return;
    }
    word = nr__slot_hold(stream->slot);
    if (nr__slot_state(word) == NR__ANSWERED) {
        nr__slot_give_up(stream->worker, stream->slot, 1); /* its answer is in the queue */
        nr__stream_answered(stream);
        return;
    }
    move_frames(stream);
    error = stream->error;
    stream->waiting = stream->armed && stream->out == NULL;
    refused = take_refused(stream);
    nr__slot_unclaim(stream->slot, word);
    if (error != 0) {
        nr__stream_give_up(stream, error);
    } else if (refused > 0) {
        tell_writable(stream->lane->image, stream->sid, refused);
    }
}

/* The next deadline: of the whole stream, or of the wait. */
static void set_deadline(nr_stream_t *stream) {
    uint64_t due = stream->armed ? nr__due_in(stream->timeout_ms) : NR__NEVER;

    if (stream->slot != NULL && (stream->timeout_ms != 0 || stream->deadline != NR__NEVER)) {
        nr__deadline_set(stream->worker, stream->sid,
                         due < stream->deadline ? due : stream->deadline);
    }
}

void nr__stream_started(nr_stream_t *stream) {
    pull(stream);
    if (stream->slot != NULL) {
        stream->pending = 1;
        nr__pending_start(stream->worker, stream->lane);
        set_deadline(stream);
    }
}

/* The first frame, off the queue. */
static nr__frame_t *take_frame(nr_stream_t *stream) {
    nr__frame_t *frame = stream->out;
    uint64_t frames = atomic_load_explicit(&stream->taken_frames, memory_order_relaxed) + 1;
    uint64_t bytes =
        atomic_load_explicit(&stream->taken_bytes, memory_order_relaxed) + frame->kept.len;

    stream->out = frame->next;
    if (stream->out == NULL) {
        stream->out_end = &stream->out;
    }
    atomic_store_explicit(&stream->taken_frames, frames, memory_order_relaxed);
    atomic_store_explicit(&stream->taken_bytes, bytes, memory_order_relaxed);
    return frame;
}

int nr_stream_next(nr_stream_t *stream, nr_result_t *frame) {
    if (stream->out == NULL) {
        pull(stream);
    }
    if (stream->out == NULL) {
        return stream->ended != 0 ? stream->ended : NR_PENDING;
    }
    frame->user = stream->user;
    frame->sid = stream->sid;
    nr__frame_into(frames_of(stream), take_frame(stream), frame);
    if (atomic_load_explicit(&stream->refused, memory_order_relaxed) > 0) {
        pull(stream);
    }
    return NR_DONE;
}

void nr_stream_wait(nr_stream_t *stream, void *user) {
    stream->armed = user != NULL && stream->worker != NULL;
    stream->user = user;
    if (!stream->armed) {
        unset_ready(stream);
        set_deadline(stream);
        return;
    }
    if (stream->out == NULL) {
        pull(stream);
    }
    if (stream->out != NULL || stream->ended != 0) {
        set_ready(stream);
    } else {
        set_deadline(stream);
    }
}

int nr__stream_event(nr_stream_t *stream, nr_event_t *event) {
    if (!stream->armed || (stream->out == NULL && stream->ended == 0)) {
        return 0;
    }
    stream->armed = 0;
    unset_ready(stream);
    set_deadline(stream);
    event->kind = NR_EVENT_READABLE;
    event->user = stream->user;
    event->stream = stream;
    return 1;
}

void nr__stream_time_out(nr_stream_t *stream) {
    if (stream->armed && nr__now() < stream->deadline) {
        pull(stream); /* a frame that was faster than the limit of its wait */
        if (stream->out != NULL) {
            set_ready(stream);
            return;
        }
    }
    nr__stream_give_up(stream, NR_E_TIMEOUT);
}

int nr__stream_mail(nr_stream_t *stream, nr_event_t *event) {
    pull(stream);
    return nr__stream_event(stream, event);
}

int nr__stream_next_ready(nr_worker_t *worker, nr_event_t *event) {
    while (worker->ready != NULL) {
        nr_stream_t *stream = worker->ready;

        unset_ready(stream);
        pull(stream); /* somebody may have read what it was ready for */
        if (nr__stream_event(stream, event)) {
            return 1;
        }
        set_deadline(stream); /* the wait goes on */
    }
    return 0;
}
