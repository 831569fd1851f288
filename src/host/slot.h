/*
 * A slot: the place of one sid while it is open, and what is remembered of it until the next use.
 *
 * Its word is the identity (generation and index: the sid without the worker), a state, and flags.
 * Whoever changes an open slot claims it by compare and swap on the word; the claim is a short spin
 * for others and is never held while plugin code runs or memory is allocated. Only the loop opens
 * and frees slots.
 *
 *     word = generation (36) | index (20) | shown, keyed, leased, mailed, claimed | state (3)
 *
 *                 ┌─────────────── refused, or given up after an answer ────────────┐
 *                 │                                                                 ▼
 *     DONE ──▶  OPEN ── answer ──▶ ANSWERED ── taken ─────────────────────────────▶ DONE
 *   (free)       │                    ▲  ▲                                        (free)
 *                │ given up           │  └ late answer ┐
 *                ├── in the mailbox ──┼──────────── GIVEN_UP ── popped ──▶ DROPPED (free)
 *                ├── holds memory ────┼──────────── PARKED ── image gone ─▶ DROPPED
 *                └── else ────────────│──────────────────────────────────▶ DROPPED
 *                                     └ late answer
 */
#ifndef NR__SLOT_H
#define NR__SLOT_H

#include <stdatomic.h>

#include <nylon_ring/nr_trace.h>

#include "image.h"
#include "lane.h"
#include "mailbox.h"
#include "payload.h"

typedef enum nr__state {
    NR__DONE,     /* free; the plugin has answered its last use (or owed nothing) */
    NR__DROPPED,  /* free, after others; the plugin owes the answer of its last use, given up */
    NR__OPEN,     /* the plugin may answer */
    NR__ANSWERED, /* the last answer is there (or nothing is owed); the loop has to take it */
    NR__GIVEN_UP, /* the host gave up; still in the mailbox */
    NR__PARKED,   /* the host gave up; the plugin may use what the slot holds */
    NR__STATES
} nr__state_t;

typedef enum nr__input {
    NR__IN_OPEN,         /* loop: a call starts */
    NR__IN_FRAME,        /* plugin: a result that does not end a stream */
    NR__IN_ANSWER,       /* plugin: a unary's result, a stream's ending one */
    NR__IN_COMMIT,       /* plugin: a unary's result by its lease */
    NR__IN_HOLD,         /* plugin: a lease or the state is wanted */
    NR__IN_GIVE_UP,      /* loop: timeout, cancel, unload; nothing refers to the slot */
    NR__IN_GIVE_UP_MAIL, /* loop: the same, while the slot is in the mailbox */
    NR__IN_GIVE_UP_HELD, /* loop: the same, while the plugin may use what the slot holds */
    NR__IN_POP,          /* loop: it comes out of the mailbox */
    NR__IN_TAKE,         /* loop: its answer is taken, it is in no mailbox */
    NR__IN_GONE,         /* loop: the image was shut down */
    NR__IN_FORGET,       /* loop: another use needs the slot, whose last one is owed */
    NR__INPUTS
} nr__input_t;

typedef enum nr__verdict {
    NR__NEVER_HAPPENS, /* our own mistake */
    NR__ACCEPTED,      /* plugin's input: the slot is claimed, unclaim it into `next` */
    NR__MOVED,         /* loop's input: go to `next` */
    NR__STAYS,         /* nothing to do */
    NR__DUPLICATE,     /* counted, the payload is dropped */
    NR__LATE,          /* counted, the payload is dropped */
    NR__PAID,          /* the same, and nothing more is owed: go to `next` */
    NR__REFUSED,       /* a lease or the state: the sid has ended */
    NR__UNKNOWN        /* counted; no such sid for this image */
} nr__verdict_t;

typedef struct nr__rule {
    uint8_t verdict, next;
} nr__rule_t;

/* The whole machine. Every change of a slot's state is looked up here, or asserted against it. */
extern const nr__rule_t nr__rules[NR__STATES][NR__INPUTS];

#define NR__STATE_MASK UINT64_C(0x07)
#define NR__CLAIMED UINT64_C(0x08)
#define NR__MAILED UINT64_C(0x10) /* in the mailbox, in the batch, or about to be posted */
#define NR__LEASED UINT64_C(0x20) /* a lease is out */
#define NR__KEYED UINT64_C(0x40)  /* it has state values */
#define NR__SHOWN UINT64_C(0x80)  /* a state value was handed out */
#define NR__EXTRAS (NR__LEASED | NR__KEYED | NR__SHOWN)
#define NR__FLAGS UINT64_C(0xff)

typedef struct nr__slot {
    _Alignas(64) nr__mail_t mail; /* or the link of the idle ones */
    _Atomic uint64_t word;
    NrStatus status;   /* of the answer */
    uint8_t kind, len; /* nr__payload_kind_t; length of `data.bytes` */
    uint16_t tag;      /* of the image, while open; read under the claim */
    union {
        uint8_t bytes[NR__PAYLOAD_INLINE];
        nr__kept_t kept;
    } data;
} nr__slot_t;

struct nr__value;
struct nr__lease;

/* What only calls that stay pending need. */
typedef struct nr__cold {
    _Atomic(nr__lane_t *) lane; /* of the last use; written when it opens */
    void *user;
    struct nr_stream *stream; /* NULL for a unary; written by the loop, under the claim */
    struct nr__value *values; /* under the claim; the loop's when the slot is not open */
    struct nr__lease *lease;  /* the same */
    uint32_t values_size;     /* the same; NR_STATE_MAX is the most */
    uint32_t ended;           /* number of the last end that was queued [loop] */
    uint64_t due, queued;     /* deadline, and the one that the heap knows [loop] */
} nr__cold_t;

_Static_assert(sizeof(nr__slot_t) == 64 && sizeof(nr__cold_t) == 64, "one cache line each");

static inline uint64_t nr__slot_word(nr__slot_t *slot) {
    return atomic_load_explicit(&slot->word, memory_order_acquire);
}

static inline nr__state_t nr__slot_state(uint64_t word) {
    return (nr__state_t)(word & NR__STATE_MASK);
}

/* Generation and index. */
static inline uint64_t nr__slot_identity(uint64_t word) {
    return word >> 8;
}

static inline uint64_t nr__slot_generation(uint64_t word) {
    return word >> 28;
}

static inline int nr__sid_is_stream(uint64_t sid) {
    return ((sid >> 20) & 1) == 0;
}

static inline uint64_t nr__word_in(uint64_t word, unsigned next) {
    return (word & ~(NR__STATE_MASK | NR__CLAIMED)) | next;
}

/* What a plugin's input found. */
typedef struct nr__claim {
    nr__slot_t *slot;
    uint64_t word; /* as it was before the claim */
    nr__verdict_t verdict;
    int claimed; /* the caller ends the claim */
} nr__claim_t;

/* What becomes of a result, a lease or a state whose claim has failed so. */
static inline nr_outcome_t nr__verdict_outcome(nr__verdict_t verdict) {
    return verdict == NR__DUPLICATE ? NR_OUTCOME_DUPLICATE
           : verdict == NR__UNKNOWN ? NR_OUTCOME_UNKNOWN
           : verdict == NR__REFUSED ? NR_OUTCOME_REFUSED
                                    : NR_OUTCOME_LATE;
}

/* What a plugin that sees it is answered. */
static inline NrStatus nr__outcome_status(nr_outcome_t outcome) {
    return outcome == NR_OUTCOME_DELIVERED      ? NR_OK
           : outcome == NR_OUTCOME_BACKPRESSURE ? NR_BACKPRESSURE
                                                : NR_INVALID;
}

/* Applies a plugin's input to the sid. ACCEPTED comes back claimed. Everything else was counted for
 * the image, and a late answer has settled what was owed; but COMMIT on a parked slot comes back
 * claimed with PAID and uncounted, so that its lease can be checked first: then `nr__slot_pay` or
 * unclaim. [any thread] */
nr__claim_t nr__slot_claim(nr__image_t *image, uint64_t sid, nr__input_t input);

/* Ends a claim: the slot's word becomes `word`. [any thread] */
static inline void nr__slot_unclaim(nr__slot_t *slot, uint64_t word) {
    /* Pairs with the acquiring loads and the compare and swap of the next one to look. */
    atomic_store_explicit(&slot->word, word, memory_order_release);
}

/* Ends the claim of an open slot with its answer and puts it into its worker's mailbox, if it is
 * not there already. [any thread] */
void nr__slot_send(nr__slot_t *slot, uint64_t sid, uint64_t word);

/* Ends the claim of a parked slot whose late answer has come: the loop will free it. Counts.
 * [any thread] */
void nr__slot_pay(nr__image_t *image, const nr__claim_t *claim, uint64_t sid);

/* The word after a loop's input, without the claim. An input that can not come to the slot's state
 * ends the process. [any thread] */
uint64_t nr__slot_step(uint64_t word, nr__input_t input);

/* Claims a slot if plugins' threads could change it (OPEN, GIVEN_UP, PARKED), and answers its word
 * as it was. [loop] */
uint64_t nr__slot_hold(nr__slot_t *slot);

/* What a claimed slot remembers of its image: exact below NR__TAG_LOOK, else look at the lane. */
#define NR__TAG_LOOK UINT16_MAX

static inline uint16_t nr__image_tag(const nr__image_t *image) {
    return image->serial < NR__TAG_LOOK ? (uint16_t)image->serial : NR__TAG_LOOK;
}

/* Opens an idle slot for the lane and answers its word; `flags` are NR__KEYED or 0. [loop] */
static inline uint64_t nr__slot_open(nr__slot_t *slot, nr__cold_t *cold, nr__lane_t *lane,
                                     unsigned is_stream, uint64_t flags) {
    uint64_t word = atomic_load_explicit(&slot->word, memory_order_relaxed);
    uint64_t generation = nr__slot_generation(word) + 1;

    /* Whoever finds the new lane below finds this before it takes the lane for the last use's. */
    atomic_store_explicit(&slot->word, word | NR__CLAIMED, memory_order_relaxed);
    generation += (generation & 1) == is_stream;
    word = generation << 28 | (word & (UINT64_C(0xfffff) << 8)) | flags | NR__OPEN;
    /* Pairs with `belongs`, where a late answer looks at an idle slot's lane. */
    atomic_store_explicit(&cold->lane, lane, memory_order_release);
    slot->tag = nr__image_tag(lane->image);
    /* Nobody changes an idle slot whose last use was answered, or forgotten, but the loop. Releases
     * the cold half to who claims. */
    atomic_store_explicit(&slot->word, word, memory_order_release);
    return word;
}

#endif
