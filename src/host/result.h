/* Results on their way from a plugin to its call: both generations' `send_result`, and what all
 * ways of answering share. */
#ifndef NR__RESULT_H
#define NR__RESULT_H

#include "slot.h"

/* Ends the claim of an open unary slot with its answer, which it takes over (SMALL bytes are
 * copied): in place when the sid's `handle` runs on this thread, else through the mailbox. [any
 * thread] */
void nr__result_settle(nr__image_t *image, const nr__claim_t *claim, uint64_t sid, NrStatus status,
                       const nr__payload_t *payload);

#endif
