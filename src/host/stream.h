/*
 * A stream: the queue between a plugin that sends frames from any thread and a reader on the loop.
 *
 *     any thread ── append ──▶ in ─▶ ─▶ ─▶        under the slot's claim
 *     loop ── pull ──▶ out ─▶ ─▶ ── nr_stream_next ──▶ reader
 *
 * `in` is moved to `out` as a whole, so that the reader claims once for many frames. The limits
 * hold for both together: the reader publishes how much it has taken. While its slot is open the
 * stream is reached from there; from the end on (`slot` NULL) it belongs to the loop alone.
 */
#ifndef NR__STREAM_H
#define NR__STREAM_H

#include "frame.h"
#include "inside.h"
#include "slab.h"

typedef struct nr__limits {
    uint64_t frames, bytes;
} nr__limits_t;

struct nr_stream {
    /* Under the claim. */
    nr__frame_t *in, **in_end;
    uint64_t sent_frames, sent_bytes;
    NrStatus last_status; /* of the ending frame */
    int error;            /* the host ends the stream with it; nothing more is queued */
    int waiting;          /* the next frame posts the slot */
    _Atomic uint64_t
        refused; /* Backpressures after which nothing was told; read as a hint without */

    _Atomic uint64_t taken_frames, taken_bytes; /* written by the loop only */
    nr__limits_t limits[2]; /* for who does not see Backpressure, and who does */

    /* Of the loop. */
    nr_worker_t *worker; /* NULL: it has closed */
    nr__lane_t *lane;
    nr__slot_t *slot; /* NULL: the stream has ended */
    uint64_t sid;
    nr__frame_t *out, **out_end;
    int pending;  /* counted in nr_worker_pending */
    int ended;    /* 0, or what nr_stream_next answers when `out` is empty */
    int finished; /* the plugin was told that no more input comes */
    int armed;    /* somebody waits: one READABLE is to come */
    int is_ready; /* in the worker's list of those */
    void *user;
    uint64_t timeout_ms, deadline;
    nr_stream_t *next_ready, *previous_ready;
    nr_stream_t *next, *previous; /* all of the worker */
};

/* Queues a result of a stream's plugin, or ends the stream with what is wrong with it. Consumes the
 * payload. `sees` 1: the plugin sees Backpressure. [any thread] */
nr_outcome_t nr__stream_send(nr__image_t *image, uint64_t sid, NrStatus status,
                             nr__payload_t *payload, int sees);

/* The same for well-formed bytes that are sent from inside `handle`; or NR__LONG_WAY.
 * [plugin thread] */
nr_outcome_t nr__stream_send_inside(nr__inside_t *inside, NrStatus status, NrBytes bytes, int sees);

/* Its `handle` has taken it: it is open, or has ended already. [loop] */
void nr__stream_started(nr_stream_t *stream);

/* Tells a plugin that takes input, once, that no more comes. [loop] */
NrStatus nr__stream_tell_closed(nr_stream_t *stream);

/* Ends an open stream with this error. 0: its plugin had ended it before. [loop] */
int nr__stream_give_up(nr_stream_t *stream, int error);

/* The limit of a wait or of the whole open stream has passed: ends it with TIMEOUT, unless what was
 * waited for has come meanwhile. [loop] */
void nr__stream_time_out(nr_stream_t *stream);

/* The plugin has ended the stream and its slot is freed or left to its mail: what is queued is the
 * reader's. [loop] */
void nr__stream_answered(nr_stream_t *stream);

/* Mail of an open stream has come. 1: `*event` is filled. [loop] */
int nr__stream_mail(nr_stream_t *stream, nr_event_t *event);

/* Makes the event that somebody waits for, if there is something to take. 1: it did. [loop] */
int nr__stream_event(nr_stream_t *stream, nr_event_t *event);

/* The next of the worker's streams that are ready. 1: `*event` is filled. [loop] */
int nr__stream_next_ready(nr_worker_t *worker, nr_event_t *event);

/* Parts the worker, which is closing, from all its streams; they stay their readers'. [loop] */
void nr__streams_part(nr_worker_t *worker);

#endif
