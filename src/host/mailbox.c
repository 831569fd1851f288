#define _GNU_SOURCE /* uv.h needs it in strict C11 */

#include "mailbox.h"

#include <stdlib.h>

#include <uv.h>

struct nr__gate {
    uv_mutex_t lock;
    nr_loop_t loop;
    uint64_t epoch; /* counts the workers */
    int open;       /* `loop` may be woken */
};

int nr__mailbox_init(nr__mailbox_t *box) {
    struct nr__gate *gate = calloc(1, sizeof *gate);

    if (gate == NULL || uv_mutex_init(&gate->lock) != 0) {
        free(gate);
        return NR_E_NO_MEMORY;
    }
    atomic_init(&box->head, 0);
    atomic_init(&box->sleeping, 0);
    box->gate = gate;
    return 0;
}

uint64_t nr__mailbox_open(nr__mailbox_t *box, const nr_loop_t *loop) {
    uint64_t epoch;

    uv_mutex_lock(&box->gate->lock);
    box->gate->loop = *loop;
    epoch = ++box->gate->epoch;
    box->gate->open = 1;
    uv_mutex_unlock(&box->gate->lock);
    return epoch;
}

void nr__mailbox_close(nr__mailbox_t *box) {
    uv_mutex_lock(&box->gate->lock);
    box->gate->open = 0;
    uv_mutex_unlock(&box->gate->lock);
    nr__mailbox_awake(box);
}

/* 1 when the box was empty. */
static int push(nr__mailbox_t *box, nr__mail_t *mail, uintptr_t kind) {
    uintptr_t head = atomic_load_explicit(&box->head, memory_order_relaxed);

    do {
        mail->next = head;
        /* Releases `mail` to the exchange in detach; sequentially consistent for nr__mailbox_sleep.
         */
    } while (!atomic_compare_exchange_weak_explicit(&box->head, &head, (uintptr_t)mail | kind,
                                                    memory_order_seq_cst, memory_order_relaxed));
    return head == 0;
}

/* After a push into an empty box. Under the gate's lock. */
static void wake(nr__mailbox_t *box) {
    struct nr__gate *gate = box->gate;

    if (gate->open && atomic_load_explicit(&box->sleeping, memory_order_seq_cst)) {
        gate->loop.wake(gate->loop.ctx);
    }
}

void nr__mailbox_post(nr__mailbox_t *box, nr__mail_t *mail, uintptr_t kind) {
    /* If it was not empty, whoever found it empty sees to the wake. */
    if (push(box, mail, kind) && atomic_load_explicit(&box->sleeping, memory_order_seq_cst)) {
        uv_mutex_lock(&box->gate->lock);
        wake(box);
        uv_mutex_unlock(&box->gate->lock);
    }
}

int nr__mailbox_post_to(nr__mailbox_t *box, uint64_t epoch, nr__mail_t *mail, uintptr_t kind) {
    int error = NR_E_LOOP_CLOSED;

    uv_mutex_lock(&box->gate->lock);
    if (box->gate->open && box->gate->epoch == epoch) {
        if (push(box, mail, kind)) {
            wake(box);
        }
        error = 0;
    }
    uv_mutex_unlock(&box->gate->lock);
    return error;
}

uintptr_t nr__mailbox_detach(nr__mailbox_t *box) {
    uintptr_t link, oldest = 0;

    if (atomic_load_explicit(&box->head, memory_order_relaxed) == 0) {
        return 0; /* an exchange would take the line away from the posting threads */
    }
    link = atomic_exchange_explicit(&box->head, 0, memory_order_acquire);
    while (link != 0) {
        nr__mail_t *mail = nr__mail_of(link);
        uintptr_t older = mail->next;
        mail->next = oldest;
        oldest = link;
        link = older;
    }
    return oldest;
}

int nr__mailbox_sleep(nr__mailbox_t *box) {
    /* The flag and the head are written and read in one total order with push and post: either this
     * sees the mail, or the post sees the flag. */
    atomic_store_explicit(&box->sleeping, 1, memory_order_seq_cst);
    if (atomic_load_explicit(&box->head, memory_order_seq_cst) != 0) {
        nr__mailbox_awake(box);
        return 1;
    }
    return 0;
}
