/* fixture_pool: the reference for benchmarks of answers from a thread; echoes every payload.
 *
 * Nothing on a call's way allocates or takes a lock, so that what is measured is the host. Calls go
 * through a bounded ring from any number of threads to one (each cell has a turn number that says
 * whose it is); payloads of up to INLINE_MAX bytes travel in the cell, larger ones are copied.
 *
 *     handle ──▶ cell[tail] ... cell[head] ──▶ the thread ──▶ send_result
 *
 * The thread polls for a while before it sleeps; NYLON_RING_POOL_SPIN sets how many polls (20,000).
 * A full ring fails the call with NR_BACKPRESSURE. */
#include <pthread.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "../fixture.h"

#define CELLS (1u << 17)
#define CELL_MASK (CELLS - 1)
#define INLINE_MAX 96u
#define LINE 64

typedef struct Cell {
    alignas(LINE) atomic_uint_fast64_t turn;
    uint64_t sid;
    uint64_t len;
    union {
        uint8_t bytes[INLINE_MAX];
        uint8_t *copy;
    } payload;
} Cell;

static Cell cells[CELLS];
static alignas(LINE) atomic_uint_fast64_t tail; /* the next cell to be claimed */
static alignas(LINE) uint64_t head;             /* the next to be answered; the thread's own */
static alignas(LINE) atomic_bool sleeping;
static atomic_bool stopping;
static sem_t wake;
static pthread_t thread;
static long spin_limit = 20000;

static inline void relax(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("yield");
#endif
}

/* Claims the cell at the tail. A cell is free for the call number t when its turn is t. */
static Cell *ring_claim(uint64_t *turn) {
    uint64_t t = atomic_load_explicit(&tail, memory_order_relaxed);
    for (;;) {
        Cell *cell = &cells[t & CELL_MASK];
        /* acquire: pairs with the release in ring_answer, which gives the cell back. */
        uint64_t now = atomic_load_explicit(&cell->turn, memory_order_acquire);
        if (now == t) {
            if (atomic_compare_exchange_weak_explicit(&tail, &t, t + 1, memory_order_relaxed,
                                                      memory_order_relaxed)) {
                *turn = t;
                return cell;
            }
        } else if (now < t) {
            return NULL; /* not answered since the last round: full */
        } else {
            t = atomic_load_explicit(&tail, memory_order_relaxed);
        }
    }
}

/* Answers false when there is no memory for a copy; the cell then holds no call. */
static bool cell_fill(Cell *cell, uint64_t sid, NrBytes payload) {
    uint8_t *to = cell->payload.bytes;
    if (payload.len > INLINE_MAX) {
        to = cell->payload.copy = malloc(payload.len);
    }
    cell->sid = to != NULL ? sid : 0;
    cell->len = payload.len;
    if (to != NULL) {
        memcpy(to, payload.ptr, payload.len);
    }
    return to != NULL;
}

static void cell_answer(const Cell *cell) {
    bool copied = cell->len > INLINE_MAX;
    const uint8_t *bytes = copied ? cell->payload.copy : cell->payload.bytes;
    if (cell->sid != 0) {
        nr_answer(&host, cell->sid, NR_OK, nr_bytes(bytes, cell->len));
    }
    if (copied) {
        free(cell->payload.copy);
    }
}

static NrStatus handle(void *ctx, uint64_t sid, const NrRequest *request, NrBytes payload) {
    (void)ctx, (void)request;
    uint64_t turn = 0;
    Cell *cell = ring_claim(&turn);
    if (cell == NULL) {
        return NR_BACKPRESSURE;
    }
    bool kept = cell_fill(cell, sid, payload);
    /* seq_cst with the load below, and the mirror of it in thread_sleep: either this thread sees
     * the flag or that one sees the cell. It is also the release that pairs with the acquire in
     * ring_answer. A claimed cell must be passed on in any case. */
    atomic_store_explicit(&cell->turn, turn + 1, memory_order_seq_cst);
    if (atomic_load_explicit(&sleeping, memory_order_seq_cst) &&
        atomic_exchange_explicit(&sleeping, false, memory_order_acq_rel)) {
        sem_post(&wake);
    }
    return kept ? NR_OK : NR_ERR;
}

static bool ring_has(memory_order order) {
    return atomic_load_explicit(&cells[head & CELL_MASK].turn, order) == head + 1;
}

/* Answers the cell at the head, if it is filled. */
static bool ring_answer(void) {
    Cell *cell = &cells[head & CELL_MASK];
    if (!ring_has(memory_order_acquire)) { /* pairs with the store in handle */
        return false;
    }
    cell_answer(cell);
    /* release: pairs with the acquire in ring_claim; free for the call one round later. */
    atomic_store_explicit(&cell->turn, head + CELLS, memory_order_release);
    head++;
    return true;
}

/* Sleeps until a call comes or the end. Whoever clears the flag owes the post. */
static void thread_sleep(void) {
    atomic_store_explicit(&sleeping, true, memory_order_seq_cst);
    bool wanted =
        ring_has(memory_order_seq_cst) || atomic_load_explicit(&stopping, memory_order_seq_cst);
    if (wanted && atomic_exchange_explicit(&sleeping, false, memory_order_acq_rel)) {
        return;
    }
    while (sem_wait(&wake) != 0) {
    }
}

static void *thread_main(void *arg) {
    (void)arg;
    while (!atomic_load_explicit(&stopping, memory_order_acquire)) {
        long spins = 0;
        while (spins < spin_limit) {
            if (ring_answer()) {
                spins = 0;
            } else {
                spins++;
                relax();
            }
        }
        if (!ring_answer()) {
            thread_sleep();
        }
    }
    return NULL;
}

static NrStatus init(void *ctx, void *host_ctx, const NrHostVTable *vtable) {
    (void)ctx;
    host = nr_host_v1(host_ctx, vtable);
    const char *spin = getenv("NYLON_RING_POOL_SPIN");
    if (spin != NULL) {
        spin_limit = strtol(spin, NULL, 10);
    }
    for (uint64_t i = 0; i < CELLS; i++) {
        atomic_init(&cells[i].turn, i);
    }
    if (sem_init(&wake, 0, 0) != 0) {
        return NR_ERR;
    }
    return pthread_create(&thread, NULL, thread_main, NULL) == 0 ? NR_OK : NR_ERR;
}

static void shutdown(void *ctx) {
    (void)ctx;
    atomic_store_explicit(&stopping, true, memory_order_seq_cst);
    if (atomic_exchange_explicit(&sleeping, false, memory_order_acq_rel)) {
        sem_post(&wake);
    }
    pthread_join(thread, NULL);
    while (head != atomic_load_explicit(&tail, memory_order_acquire)) {
        (void)ring_answer(); /* nobody waits for these any more; frees their copies */
    }
    sem_destroy(&wake);
}

NR_PLUGIN_EXPORT_V1("fixture_pool", "1.0.0", NULL, init, handle, shutdown)
