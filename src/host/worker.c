#include "worker.h"

#include <stdlib.h>

#include "error.h"
#include "pending.h"
#include "stream.h"

int nr_worker_open(const nr_loop_t *loop, nr_worker_t **out, nr_error_t *err) {
    nr_worker_t *worker = calloc(1, sizeof *worker);
    int error = NR_E_NO_MEMORY;

    if (worker == NULL) {
        return nr__fail(err, error, "no memory for a worker");
    }
    worker->slab = nr__slab_acquire(&error);
    if (worker->slab == NULL) {
        free(worker);
        return error == NR_E_NO_MEMORY
                   ? nr__fail(err, error, "no memory for a worker")
                   : nr__fail(err, error, "%u workers are open; close one first", NR__SLABS);
    }
    worker->loop = *loop;
    worker->deadlines.armed = NR__NEVER;
    worker->epoch = nr__mailbox_open(&worker->slab->mailbox, loop);
    *out = worker;
    return 0;
}

nr__plugins_t *nr__worker_plugins(nr_worker_t *worker) {
    return &worker->plugins;
}

nr__address_t nr__worker_address(const nr_worker_t *worker) {
    nr__address_t address = {&worker->slab->mailbox, worker->epoch};

    return address;
}

int nr__worker_post(nr__address_t to, nr__job_t *job) {
    return nr__mailbox_post_to(to.box, to.epoch, &job->mail, NR__MAIL_JOB);
}

size_t nr_worker_pending(const nr_worker_t *worker) {
    return worker->open + worker->plugins.retiring_len;
}

/* Events that need no more mail. */
static int has_events(const nr_worker_t *worker) {
    return worker->batch != 0 || worker->ends.live > 0 || worker->ready != NULL ||
           worker->emitted != NULL;
}

void nr__worker_update(nr_worker_t *worker) {
    int alive = nr_worker_pending(worker) > 0 || has_events(worker);

    if (alive != worker->alive) {
        worker->alive = alive;
        worker->loop.keep_alive(worker->loop.ctx, alive);
    }
}

int nr_worker_sleep(nr_worker_t *worker) {
    return has_events(worker) || nr__mailbox_sleep(&worker->slab->mailbox);
}

void nr_worker_awake(nr_worker_t *worker) {
    nr__mailbox_awake(&worker->slab->mailbox);
}

void nr__worker_emit(nr_worker_t *worker, nr__event_t *event) {
    event->next = NULL;
    if (worker->emitted_last != NULL) {
        worker->emitted_last->next = event;
    } else {
        worker->emitted = event;
    }
    worker->emitted_last = event;
    nr__worker_update(worker);
}

void nr__worker_ended(nr_worker_t *worker, void *user, uint64_t sid, int error) {
    nr__ended_t ended = {user, sid, error, 0};

    nr__ends_push(&worker->ends, nr__slot_cold(nr__slot_find(sid)), &ended);
}

int nr__worker_forget_ended(nr_worker_t *worker, uint64_t sid) {
    nr__slot_t *slot = sid >> 56 == worker->slab->id ? nr__slot_find(sid) : NULL;

    if (slot == NULL || !nr__ends_take_back(&worker->ends, nr__slot_cold(slot), sid)) {
        return 0;
    }
    nr__worker_update(worker);
    return 1;
}

/* The next call that the host has ended. */
static int next_ended(nr_worker_t *worker, nr_event_t *event) {
    nr__ended_t ended;
    nr_result_t *result = &event->result;

    if (!nr__ends_next(&worker->ends, &ended)) {
        return 0;
    }
    event->kind = NR_EVENT_RESULT;
    event->user = result->user = ended.user;
    result->sid = ended.sid;
    result->error = ended.error;
    result->status = NR_OK;
    result->data = result->store;
    result->len = 0;
    result->release = NULL;
    return 1;
}

/* The next event that somebody else has made. What it points to lives until the next one is taken.
 */
static int next_emitted(nr_worker_t *worker, nr_event_t *event) {
    nr__event_t *emitted = worker->emitted;

    if (emitted == NULL) {
        return 0;
    }
    worker->emitted = emitted->next;
    if (worker->emitted == NULL) {
        worker->emitted_last = NULL;
    }
    *event = emitted->event;
    worker->given = emitted;
    return 1;
}

static void free_given(nr_worker_t *worker) {
    if (worker->given != NULL) {
        nr__event_t *given = worker->given;
        worker->given = NULL;
        given->free(given);
    }
}

static int next_own(nr_worker_t *worker, nr_event_t *event) {
    return next_ended(worker, event) || nr__stream_next_ready(worker, event) ||
           next_emitted(worker, event);
}

/* Takes one piece of mail off the batch. 1: it made an event. */
static int take_mail(nr_worker_t *worker, nr_event_t *event) {
    uintptr_t link = worker->batch;
    nr__mail_t *mail = nr__mail_of(link);

    worker->batch = mail->next;
    if ((link & NR__MAIL_KINDS) == NR__MAIL_SLOT) {
        return nr__pending_mail(worker, (nr__slot_t *)mail, event);
    }
    ((nr__job_t *)mail)->run((nr__job_t *)mail, worker);
    return next_own(worker, event);
}

int nr_worker_next(nr_worker_t *worker, nr_event_t *event) {
    int found;

    free_given(worker);
    found = next_own(worker, event);
    while (!found) {
        if (worker->batch == 0) {
            worker->batch = nr__mailbox_detach(&worker->slab->mailbox);
        }
        if (worker->batch == 0) {
            break;
        }
        found = take_mail(worker, event) || next_own(worker, event);
    }
    nr__worker_update(worker);
    return found;
}

void nr_result_release(nr_result_t *result) {
    if (result->release != NULL) {
        void (*release)(nr_result_t *) = result->release;
        result->release = NULL;
        release(result);
        result->data = result->store;
        result->len = 0;
    }
}

/* What came last: slots are freed, jobs only clean up. Calls were given up before. */
static void drain(nr_worker_t *worker) {
    nr_event_t event;

    while (worker->batch != 0 ||
           (worker->batch = nr__mailbox_detach(&worker->slab->mailbox)) != 0) {
        uintptr_t link = worker->batch;
        nr__mail_t *mail = nr__mail_of(link);

        worker->batch = mail->next;
        if ((link & NR__MAIL_KINDS) == NR__MAIL_SLOT) {
            nr__pending_mail(worker, (nr__slot_t *)mail, &event);
        } else {
            ((nr__job_t *)mail)->run((nr__job_t *)mail, NULL);
        }
    }
}

static void free_events(nr_worker_t *worker) {
    nr_event_t event;

    free_given(worker);
    while (next_emitted(worker, &event)) {
        free_given(worker);
    }
    nr__ends_free(&worker->ends);
}

/* Gives up every unary call; no event comes for it. */
static void give_up_calls(nr_worker_t *worker) {
    for (uint32_t i = 0; i < worker->slab->fresh; i++) {
        uint64_t word = nr__slot_word(nr__slab_slot(worker->slab, i));

        nr__pending_give_up(worker, nr__slot_sid(worker->slab, word), NR_E_LOOP_CLOSED, 1);
    }
}

void nr_worker_close(nr_worker_t *worker) {
    nr__streams_part(worker);
    give_up_calls(worker);
    nr__plugins_close(worker);
    nr__mailbox_close(&worker->slab->mailbox);
    drain(worker);
    if (worker->deadlines.armed != NR__NEVER) {
        worker->loop.set_timer(worker->loop.ctx, NR__NEVER);
    }
    if (worker->alive) {
        worker->loop.keep_alive(worker->loop.ctx, 0);
    }
    free_events(worker);
    nr__deadlines_free(&worker->deadlines);
    nr__frames_deinit(&worker->frames);
    nr__slab_release(worker->slab);
    free(worker);
}
