#include "slot.h"

#include <threads.h>

#include "slab.h"

/* Waits a moment for the holder of a claim, who does nothing but copy a few words. */
static void spin(unsigned *turns) {
    if (++*turns % 64 == 0) {
        thrd_yield(); /* the holder may have been taken off its processor */
        return;
    }
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

/* Whether the slot's call went to this image; good for any slot. */
static int belongs(nr__slot_t *slot, const nr__image_t *image) {
    /* Acquires the lane that nr__slot_open has released. */
    nr__lane_t *lane = atomic_load_explicit(&nr__slot_cold(slot)->lane, memory_order_acquire);

    return lane != NULL && lane->image == image;
}

/* The same for a claimed one, mostly without touching its cold half. */
static int claimed_belongs(nr__slot_t *slot, const nr__image_t *image) {
    uint16_t tag = nr__image_tag(image);

    return slot->tag == tag && (tag != NR__TAG_LOOK || belongs(slot, image));
}

/* Takes one off a counter that is above 0: 1; else 0. */
static int one_less(_Atomic uint64_t *counter) {
    uint64_t count = atomic_load_explicit(counter, memory_order_relaxed);

    while (count > 0 &&
           !atomic_compare_exchange_weak_explicit(counter, &count, count - 1, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
    return count > 0;
}

static void count(nr__image_t *image, nr__verdict_t verdict, nr__input_t input) {
    _Atomic uint64_t *counter = verdict == NR__DUPLICATE ? &image->duplicate
                                : verdict == NR__UNKNOWN ? &image->unknown
                                                         : &image->late;

    if (input == NR__IN_HOLD) {
        return; /* that was no result */
    }
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
    if (verdict == NR__PAID) {
        one_less(&image->owed);
    }
}

/* What a sid means whose slot serves, or served, another generation. Slots whose use is owed are
 * kept for long, so that a result of an older use was answered before; unless its image owes
 * results whose slots were used again after all. */
static nr__verdict_t stale(nr__image_t *image, uint64_t word, uint64_t sid, nr__input_t input) {
    uint64_t generation = sid >> 20 & NR__GENERATION_MAX;

    if (generation == 0 || generation > nr__slot_generation(word)) {
        return NR__UNKNOWN;
    }
    if (input == NR__IN_HOLD || input == NR__IN_FRAME) {
        return input == NR__IN_HOLD ? NR__REFUSED : NR__LATE;
    }
    return one_less(&image->forgotten) ? NR__PAID : NR__DUPLICATE;
}

/* An input that claims nothing. 0: the word has changed meanwhile, look again. */
static int refuse(nr__image_t *image, nr__claim_t *claim, const nr__rule_t *rule) {
    if (!belongs(claim->slot, image)) {
        claim->verdict = NR__UNKNOWN;
        /* Unless that was the lane of the slot's next use. */
        return nr__slot_word(claim->slot) == claim->word;
    }
    claim->verdict = (nr__verdict_t)rule->verdict;
    if (claim->verdict != NR__PAID) {
        return 1;
    }
    /* An idle slot: the loop may open it at any time, so this is one step instead of a claim. */
    return atomic_compare_exchange_strong_explicit(&claim->slot->word, &claim->word,
                                                   nr__word_in(claim->word, rule->next),
                                                   memory_order_relaxed, memory_order_relaxed);
}

static int is_idle(uint64_t word) {
    return nr__slot_state(word) == NR__DONE || nr__slot_state(word) == NR__DROPPED;
}

/* One look at the slot. 0: look again. */
static int try_claim(nr__image_t *image, uint64_t sid, nr__input_t input, nr__claim_t *claim) {
    const nr__rule_t *rule;

    claim->word = nr__slot_word(claim->slot);
    if (nr__slot_identity(claim->word) != (sid & (UINT64_MAX >> 8))) {
        claim->verdict = stale(image, claim->word, sid, input);
        return 1;
    }
    if (claim->word & NR__CLAIMED) {
        return 0;
    }
    rule = &nr__rules[nr__slot_state(claim->word)][input];
    if (is_idle(claim->word) || (rule->verdict != NR__ACCEPTED && rule->verdict != NR__PAID)) {
        return refuse(image, claim, rule);
    }
    /* Acquires what the last holder wrote. */
    if (!atomic_compare_exchange_weak_explicit(&claim->slot->word, &claim->word,
                                               claim->word | NR__CLAIMED, memory_order_acquire,
                                               memory_order_relaxed)) {
        return 0;
    }
    claim->claimed = claimed_belongs(claim->slot, image);
    claim->verdict = claim->claimed ? (nr__verdict_t)rule->verdict : NR__UNKNOWN;
    if (!claim->claimed) {
        nr__slot_unclaim(claim->slot, claim->word);
    }
    return 1;
}

nr__claim_t nr__slot_claim(nr__image_t *image, uint64_t sid, nr__input_t input) {
    nr__claim_t claim = {nr__slot_find(sid), 0, NR__UNKNOWN, 0};
    unsigned turns = 0;

    while (claim.slot != NULL && !try_claim(image, sid, input, &claim)) {
        spin(&turns);
    }
    if (!claim.claimed) {
        count(image, claim.verdict, input);
    } else if (claim.verdict == NR__PAID && input != NR__IN_COMMIT) {
        nr__slot_pay(image, &claim, sid);
        claim.claimed = 0;
    }
    return claim;
}

void nr__slot_send(nr__slot_t *slot, uint64_t sid, uint64_t word) {
    nr__slab_t *slab = atomic_load_explicit(&nr__slabs[sid >> 56], memory_order_acquire);

    nr__slot_unclaim(slot, word | NR__MAILED);
    if ((word & NR__MAILED) == 0) {
        nr__mailbox_post(&slab->mailbox, &slot->mail, NR__MAIL_SLOT);
    }
}

void nr__slot_pay(nr__image_t *image, const nr__claim_t *claim, uint64_t sid) {
    nr__state_t state = nr__slot_state(claim->word);

    count(image, NR__PAID, NR__IN_ANSWER);
    nr__slot_send(claim->slot, sid, nr__word_in(claim->word, nr__rules[state][NR__IN_ANSWER].next));
}

uint64_t nr__slot_hold(nr__slot_t *slot) {
    unsigned turns = 0;

    for (;;) {
        uint64_t word = nr__slot_word(slot);

        if (is_idle(word) || nr__slot_state(word) == NR__ANSWERED) {
            return word;
        }
        if ((word & NR__CLAIMED) == 0 &&
            atomic_compare_exchange_weak_explicit(&slot->word, &word, word | NR__CLAIMED,
                                                  memory_order_acquire, memory_order_relaxed)) {
            return word;
        }
        spin(&turns);
    }
}
