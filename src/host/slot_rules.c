#include <stdio.h>
#include <stdlib.h>

#include "slot.h"

#define NEVER                                                                                      \
    { NR__NEVER_HAPPENS, 0 }
#define STAYS                                                                                      \
    { NR__STAYS, 0 }
#define DUPLICATE                                                                                  \
    { NR__DUPLICATE, 0 }
#define LATE                                                                                       \
    { NR__LATE, 0 }
#define REFUSED                                                                                    \
    { NR__REFUSED, 0 }
#define TO(next)                                                                                   \
    { NR__MOVED, next }
#define ACCEPT(next)                                                                               \
    { NR__ACCEPTED, next }
#define PAID(next)                                                                                 \
    { NR__PAID, next }

/* What is late or a duplicate is said of the last use; what it is of an older one, see `stale`. A
 * stream is never leased, so no COMMIT comes to what only a stream can be.
 */
const nr__rule_t nr__rules[NR__STATES][NR__INPUTS] = {
    [NR__DONE] =
        {
            [NR__IN_OPEN] = TO(NR__OPEN),
            [NR__IN_FRAME] = DUPLICATE,
            [NR__IN_ANSWER] = DUPLICATE,
            [NR__IN_COMMIT] = DUPLICATE,
            [NR__IN_HOLD] = REFUSED,
            [NR__IN_GIVE_UP] = STAYS,
            [NR__IN_GIVE_UP_MAIL] = NEVER,
            [NR__IN_GIVE_UP_HELD] = NEVER,
            [NR__IN_POP] = NEVER,
            [NR__IN_TAKE] = NEVER,
            [NR__IN_GONE] = STAYS,
            [NR__IN_FORGET] = STAYS,
        },
    [NR__DROPPED] =
        {
            [NR__IN_OPEN] = NEVER,
            [NR__IN_FRAME] = LATE,
            [NR__IN_ANSWER] = PAID(NR__DONE),
            [NR__IN_COMMIT] = PAID(NR__DONE),
            [NR__IN_HOLD] = REFUSED,
            [NR__IN_GIVE_UP] = STAYS,
            [NR__IN_GIVE_UP_MAIL] = NEVER,
            [NR__IN_GIVE_UP_HELD] = NEVER,
            [NR__IN_POP] = NEVER,
            [NR__IN_TAKE] = NEVER,
            [NR__IN_GONE] = STAYS,
            [NR__IN_FORGET] = TO(NR__DONE),
        },
    [NR__OPEN] =
        {
            [NR__IN_OPEN] = NEVER,
            [NR__IN_FRAME] = ACCEPT(NR__OPEN),
            [NR__IN_ANSWER] = ACCEPT(NR__ANSWERED),
            [NR__IN_COMMIT] = ACCEPT(NR__ANSWERED),
            [NR__IN_HOLD] = ACCEPT(NR__OPEN),
            [NR__IN_GIVE_UP] = TO(NR__DROPPED),
            [NR__IN_GIVE_UP_MAIL] = TO(NR__GIVEN_UP),
            [NR__IN_GIVE_UP_HELD] = TO(NR__PARKED),
            [NR__IN_POP] = TO(NR__OPEN),
            [NR__IN_TAKE] = NEVER,
            [NR__IN_GONE] = STAYS,
            [NR__IN_FORGET] = NEVER,
        },
    [NR__ANSWERED] =
        {
            [NR__IN_OPEN] = NEVER,
            [NR__IN_FRAME] = DUPLICATE,
            [NR__IN_ANSWER] = DUPLICATE,
            [NR__IN_COMMIT] = DUPLICATE,
            [NR__IN_HOLD] = REFUSED,
            [NR__IN_GIVE_UP] = TO(NR__DONE),
            [NR__IN_GIVE_UP_MAIL] = TO(NR__ANSWERED),
            [NR__IN_GIVE_UP_HELD] = NEVER,
            [NR__IN_POP] = TO(NR__DONE),
            [NR__IN_TAKE] = TO(NR__DONE),
            [NR__IN_GONE] = STAYS,
            [NR__IN_FORGET] = NEVER,
        },
    [NR__GIVEN_UP] =
        {
            [NR__IN_OPEN] = NEVER,
            [NR__IN_FRAME] = LATE,
            [NR__IN_ANSWER] = PAID(NR__ANSWERED),
            [NR__IN_COMMIT] = LATE,
            [NR__IN_HOLD] = REFUSED,
            [NR__IN_GIVE_UP] = NEVER,
            [NR__IN_GIVE_UP_MAIL] = STAYS,
            [NR__IN_GIVE_UP_HELD] = NEVER,
            [NR__IN_POP] = TO(NR__DROPPED),
            [NR__IN_TAKE] = NEVER,
            [NR__IN_GONE] = STAYS,
            [NR__IN_FORGET] = NEVER,
        },
    [NR__PARKED] =
        {
            [NR__IN_OPEN] = NEVER,
            [NR__IN_FRAME] = LATE,
            [NR__IN_ANSWER] = PAID(NR__ANSWERED),
            [NR__IN_COMMIT] = PAID(NR__ANSWERED),
            [NR__IN_HOLD] = REFUSED,
            [NR__IN_GIVE_UP] = STAYS,
            [NR__IN_GIVE_UP_MAIL] = STAYS,
            [NR__IN_GIVE_UP_HELD] = STAYS,
            [NR__IN_POP] = TO(NR__PARKED),
            [NR__IN_TAKE] = NEVER,
            [NR__IN_GONE] = TO(NR__GIVEN_UP),
            [NR__IN_FORGET] = NEVER,
        },
};

uint64_t nr__slot_step(uint64_t word, nr__input_t input) {
    const nr__rule_t *rule = &nr__rules[nr__slot_state(word)][input];

    if (rule->verdict == NR__STAYS) {
        return word & ~NR__CLAIMED;
    }
    if (rule->verdict != NR__MOVED) {
        fprintf(stderr, "nylon-ring: a slot in state %d can not take input %d\n",
                (int)nr__slot_state(word), (int)input);
        abort();
    }
    return nr__word_in(word, rule->next);
}
