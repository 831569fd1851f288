#include "pending.h"

#include <stdlib.h>
#include <string.h>

#include "guard.h"
#include "lease.h"
#include "state.h"
#include "stream.h"
#include "trace.h"

void nr__pending_start(nr_worker_t *worker, nr__lane_t *lane) {
    worker->open++;
    lane->in_flight++;
    nr__worker_update(worker);
}

void nr__lane_count(nr__lane_t *lane, int error, NrStatus status) {
    if (error == NR_E_TIMEOUT) {
        lane->timeouts++;
    } else if (error == NR_E_CANCELLED) {
        lane->cancelled++;
    } else if (error == 0 && (status == NR_OK || status == NR_STREAM_END)) {
        lane->ok++;
    } else {
        lane->errors++;
    }
}

void nr__pending_finish(nr_worker_t *worker, nr__lane_t *lane, int error, NrStatus status) {
    nr__lane_count(lane, error, status);
    worker->open--;
    nr__worker_update(worker);
    if (--lane->in_flight == 0 && lane->on_idle != NULL) {
        void (*on_idle)(nr__lane_t *) = lane->on_idle;
        lane->on_idle = NULL;
        on_idle(lane);
    }
}

static nr__lane_t *lane_of(nr__slot_t *slot) {
    return atomic_load_explicit(&nr__slot_cold(slot)->lane, memory_order_relaxed);
}

/* What a slot keeps for its plugin, taken off it. */
typedef struct extras {
    struct nr__value *values;
    struct nr__lease *lease;
} extras_t;

static extras_t take_extras(nr__slot_t *slot, uint64_t word) {
    nr__cold_t *cold = nr__slot_cold(slot);
    extras_t extras = {NULL, NULL};

    if ((word & NR__EXTRAS) != 0) {
        extras.values = cold->values;
        extras.lease = cold->lease;
        cold->values = NULL;
        cold->values_size = 0;
        cold->lease = NULL;
    }
    return extras;
}

static void free_extras(extras_t extras) {
    nr__values_free(extras.values);
    free(extras.lease);
}

void nr__slot_finish(nr_worker_t *worker, nr__slot_t *slot, uint64_t word, nr__input_t input) {
    extras_t extras = take_extras(slot, word);

    nr__deadline_clear(worker, nr__slot_cold(slot));
    nr__slot_cold(slot)->stream = NULL;
    nr__slot_unclaim(slot, nr__slot_step(word, input) & ~(NR__EXTRAS | NR__MAILED));
    nr__slab_give(worker->slab, slot);
    free_extras(extras);
}

void nr__slot_result(const nr__slab_t *slab, nr__slot_t *slot, uint64_t word, nr_result_t *result) {
    result->sid = nr__slot_sid(slab, word);
    result->error = 0;
    result->status = slot->status;
    if (slot->kind == NR__SMALL) {
        memcpy(result->store, slot->data.bytes, sizeof result->store);
        result->data = result->store;
        result->len = slot->len;
        result->release = NULL;
        return;
    }
    if (slot->kind == NR__FAILED) {
        result->error = nr__kept_error(&slot->data.kept);
        result->data = result->store;
        result->len = 0;
        result->release = NULL;
        return;
    }
    nr__payload_into(result, lane_of(slot)->image, (nr__payload_kind_t)slot->kind,
                     &slot->data.kept);
}

/* An answer that nobody takes. The slot is not claimed: nobody else changes an answered one. */
static int give_up_answer(nr_worker_t *worker, nr__slot_t *slot, uint64_t word) {
    nr__payload_kind_t kind = (nr__payload_kind_t)slot->kind;
    nr__kept_t kept = slot->data.kept;
    nr__image_t *image = lane_of(slot)->image;

    if (nr__slot_cold(slot)->stream != NULL) {
        kind = NR__NOTHING; /* a stream's answers are in its queue */
    } else if (kind == NR__NOTHING && (word & NR__MAILED) != 0) {
        return NR__NOT_OPEN;
    }
    if ((word & NR__MAILED) == 0) {
        nr__slot_finish(worker, slot, word, NR__IN_GIVE_UP);
    } else {
        /* Its mail is on the way, and frees it. */
        slot->kind = NR__NOTHING;
        nr__slot_cold(slot)->stream = NULL;
        nr__deadline_clear(worker, nr__slot_cold(slot));
        nr__slot_unclaim(slot, nr__slot_step(word, NR__IN_GIVE_UP_MAIL));
    }
    nr__payload_drop(image, kind, &kept);
    return NR__WAS_ANSWERED;
}

/* The slot is claimed and open, and its answer is owed: see the table for where it goes. */
static int give_up_open(nr_worker_t *worker, nr__slot_t *slot, uint64_t word) {
    nr__input_t input = (word & (NR__LEASED | NR__SHOWN)) != 0 ? NR__IN_GIVE_UP_HELD
                        : (word & NR__MAILED) != 0             ? NR__IN_GIVE_UP_MAIL
                                                               : NR__IN_GIVE_UP;
    extras_t extras = {NULL, NULL};

    atomic_fetch_add_explicit(&lane_of(slot)->image->owed, 1, memory_order_relaxed);
    nr__deadline_clear(worker, nr__slot_cold(slot));
    if (input != NR__IN_GIVE_UP_HELD) {
        extras = take_extras(slot, word);
        word &= ~NR__EXTRAS;
    }
    nr__slot_cold(slot)->stream = NULL;
    slot->kind = NR__NOTHING;
    nr__slot_unclaim(slot, nr__slot_step(word, input));
    if (input == NR__IN_GIVE_UP) {
        nr__slab_keep(worker->slab, slot);
    }
    free_extras(extras);
    return NR__WAS_OPEN;
}

/* The slot is claimed and open, and its plugin owes nothing: as if it had answered. */
static int refuse_open(nr_worker_t *worker, nr__slot_t *slot, uint64_t word) {
    word = nr__word_in(word, nr__rules[NR__OPEN][NR__IN_ANSWER].next);
    slot->kind = NR__NOTHING;
    nr__slot_unclaim(slot, word);
    if ((word & NR__MAILED) == 0) {
        nr__slot_finish(worker, slot, word, NR__IN_TAKE);
    } else {
        nr__slot_cold(slot)->stream = NULL;
        nr__deadline_clear(worker, nr__slot_cold(slot));
    }
    return NR__WAS_OPEN;
}

int nr__slot_give_up(nr_worker_t *worker, nr__slot_t *slot, int owes) {
    uint64_t word = nr__slot_hold(slot);

    switch (nr__slot_state(word)) {
    case NR__OPEN:
        return owes ? give_up_open(worker, slot, word) : refuse_open(worker, slot, word);
    case NR__ANSWERED:
        return give_up_answer(worker, slot, word);
    case NR__GIVEN_UP:
    case NR__PARKED:
        nr__slot_unclaim(slot, word);
        return NR__NOT_OPEN;
    default:
        return NR__NOT_OPEN;
    }
}

void nr__tell_cancelled(nr__image_t *image, uint64_t sid) {
    uint64_t seq;

    if (image->cancel == NULL) {
        return;
    }
    seq = nr__trace_begin(image, NR_TRACE_CANCEL, sid, NR_OK, 0);
    NR__GUARD(image, "nylon.cancel/1");
    image->cancel->cancel(image->plugin_ctx, sid);
    NR__GUARD_END();
    nr__trace_end(image, seq, NR_OUTCOME_DONE, NR_OK);
}

/* The slot of a sid that is the latest use of one of this worker's, or NULL. */
static nr__slot_t *current(const nr_worker_t *worker, uint64_t sid) {
    nr__slot_t *slot = sid >> 56 == worker->slab->id ? nr__slot_find(sid) : NULL;

    return slot != NULL && nr__slot_identity(nr__slot_word(slot)) == (sid & (UINT64_MAX >> 8))
               ? slot
               : NULL;
}

int nr__pending_give_up(nr_worker_t *worker, uint64_t sid, int error, int silent) {
    nr__slot_t *slot = current(worker, sid);
    nr__lane_t *lane;
    void *user;
    int was;

    if (slot == NULL) {
        return 0;
    }
    if (nr__sid_is_stream(sid)) {
        nr_stream_t *stream = nr__slot_cold(slot)->stream;
        return stream != NULL && nr__stream_give_up(stream, error);
    }
    lane = lane_of(slot);
    user = nr__slot_cold(slot)->user;
    was = nr__slot_give_up(worker, slot, 1);
    if (was == NR__NOT_OPEN) {
        return 0;
    }
    if (!silent) {
        nr__worker_ended(worker, user, sid, error);
    }
    if (was == NR__WAS_OPEN) {
        nr__tell_cancelled(lane->image, sid);
    }
    nr__pending_finish(worker, lane, error, NR_OK);
    return 1;
}

void nr__pending_time_out(nr_worker_t *worker, uint64_t sid) {
    nr__slot_t *slot = current(worker, sid);

    /* An answer that has arrived meanwhile is worth more than an error. */
    if (slot == NULL || nr__slot_state(nr__slot_word(slot)) != NR__OPEN) {
        return;
    }
    if (nr__sid_is_stream(sid)) {
        nr__stream_time_out(nr__slot_cold(slot)->stream);
    } else {
        nr__pending_give_up(worker, sid, NR_E_TIMEOUT, 0);
    }
}

/* A unary's answer came through the mailbox. */
static int take_answer(nr_worker_t *worker, nr__slot_t *slot, uint64_t word, nr_event_t *event) {
    nr__lane_t *lane = lane_of(slot);

    event->kind = NR_EVENT_RESULT;
    event->user = event->result.user = nr__slot_cold(slot)->user;
    nr__slot_result(worker->slab, slot, word, &event->result);
    nr__slot_finish(worker, slot, word, NR__IN_POP);
    nr__pending_finish(worker, lane, event->result.error, event->result.status);
    return 1;
}

static int answered_mail(nr_worker_t *worker, nr__slot_t *slot, uint64_t word, nr_event_t *event) {
    nr_stream_t *stream = nr__slot_cold(slot)->stream;

    if (stream != NULL) {
        nr__slot_finish(worker, slot, word, NR__IN_POP);
        nr__stream_answered(stream);
        return nr__stream_event(stream, event);
    }
    if (slot->kind != NR__NOTHING) {
        return take_answer(worker, slot, word, event);
    }
    nr__slot_finish(worker, slot, word, NR__IN_POP);
    return 0;
}

int nr__pending_mail(nr_worker_t *worker, nr__slot_t *slot, nr_event_t *event) {
    uint64_t word = nr__slot_hold(slot), next;

    if (nr__slot_state(word) == NR__ANSWERED) {
        return answered_mail(worker, slot, word, event);
    }
    next = nr__slot_step(word, NR__IN_POP) & ~NR__MAILED;
    nr__slot_unclaim(slot, next);
    if (nr__slot_state(next) == NR__OPEN) {
        return nr__stream_mail(nr__slot_cold(slot)->stream, event);
    }
    if (nr__slot_state(next) == NR__DROPPED) {
        nr__slab_keep(worker->slab, slot);
    }
    return 0;
}

/* The image of a parked slot has been shut down: nobody uses what it holds. */
static void release_parked(nr_worker_t *worker, nr__slot_t *slot) {
    uint64_t word = nr__slot_hold(slot);
    extras_t extras;

    if (nr__slot_state(word) == NR__ANSWERED) {
        return; /* a last answer has come; its mail frees the slot */
    }
    extras = take_extras(slot, word);
    word = nr__slot_step(word, NR__IN_GONE) & ~NR__EXTRAS;
    if ((word & NR__MAILED) == 0) {
        word = nr__slot_step(word, NR__IN_POP);
    }
    nr__slot_unclaim(slot, word);
    if ((word & NR__MAILED) == 0) {
        nr__slab_keep(worker->slab, slot);
    }
    free_extras(extras);
}

void nr__worker_release_parked(nr_worker_t *worker, const nr__image_t *image) {
    for (uint32_t i = 0; i < worker->slab->fresh; i++) {
        nr__slot_t *slot = nr__slab_slot(worker->slab, i);

        if (nr__slot_state(nr__slot_word(slot)) == NR__PARKED && lane_of(slot)->image == image) {
            release_parked(worker, slot);
        }
    }
}

uint64_t nr__worker_give_up_lane(nr_worker_t *worker, nr__lane_t *lane, int error) {
    uint64_t count = 0;

    for (uint32_t i = 0; i < worker->slab->fresh && lane->in_flight > 0; i++) {
        nr__slot_t *slot = nr__slab_slot(worker->slab, i);
        uint64_t word = nr__slot_word(slot);

        if (lane_of(slot) == lane && nr__slot_state(word) == NR__OPEN) {
            count +=
                (uint64_t)nr__pending_give_up(worker, nr__slot_sid(worker->slab, word), error, 0);
        }
    }
    return count;
}
