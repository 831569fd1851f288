/*
 * The pending map as the loop works on it: calls that stay open after `handle` has returned, how
 * they are counted, and how they end. What plugins' threads do to a slot is in slot.c. [loop]
 */
#ifndef NR__PENDING_H
#define NR__PENDING_H

#include "slab.h"
#include "worker.h"

/* The call stays open: the loop lives for it. */
void nr__pending_start(nr_worker_t *worker, nr__lane_t *lane);

/* The call has ended; tells the loop and a lane that waits for it. `error` and `status` as in
 * nr_result_t. */
void nr__pending_finish(nr_worker_t *worker, nr__lane_t *lane, int error, NrStatus status);

/* Counts how a call ended, without the above: one that never stayed open. */
void nr__lane_count(nr__lane_t *lane, int error, NrStatus status);

/* Frees the answered slot: what it still holds, its deadline, its place. Its answer was moved out.
 * `input` is POP, TAKE or GIVE_UP. */
void nr__slot_finish(nr_worker_t *worker, nr__slot_t *slot, uint64_t word, nr__input_t input);

/* Moves the answer of a unary slot into the result; `user` is set by the caller. The slot is still
 * to be finished. */
void nr__slot_result(const nr__slab_t *slab, nr__slot_t *slot, uint64_t word, nr_result_t *result);

/* What was done about a sid that is to be given up. */
enum { NR__NOT_OPEN = 0, NR__WAS_ANSWERED, NR__WAS_OPEN };

/* Ends the host's part in an open sid: the slot is free again, or waits for its mail, or is parked.
 * An answer that was not taken is dropped. `owes` 0: the plugin owes nothing (its `handle` failed).
 * Counts nothing but what is owed, tells nobody. */
int nr__slot_give_up(nr_worker_t *worker, nr__slot_t *slot, int owes);

/* Tells a plugin with `nylon.cancel/1` that nobody waits for the sid any more. */
void nr__tell_cancelled(nr__image_t *image, uint64_t sid);

/* Gives the open call or stream up with this error: counted, the plugin told, its reader told by an
 * event unless `silent`. 1: it was open; 0: it was not. */
int nr__pending_give_up(nr_worker_t *worker, uint64_t sid, int error, int silent);

/* Its deadline has passed. */
void nr__pending_time_out(nr_worker_t *worker, uint64_t sid);

/* Takes what came out of the mailbox. 1: `*event` is filled. */
int nr__pending_mail(nr_worker_t *worker, nr__slot_t *slot, nr_event_t *event);

#endif
