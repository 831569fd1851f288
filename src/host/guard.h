/* Calls into a plugin stand under a guard: when an exception or a longjmp unwinds through one, the
 * process ends with the plugin's name instead of going on in a broken state.
 *
 *     NR__GUARD(image, "handle");
 *     status = image->v1->handle(...);
 *     NR__GUARD_END();
 *
 * Costs nothing where nothing unwinds: the compiler sees that the guard was disarmed. */
#ifndef NR__GUARD_H
#define NR__GUARD_H

#include "image.h"

typedef struct nr__guard {
    const nr__image_t *image; /* NULL: disarmed */
    const char *function;
} nr__guard_t;

/* Prints the plugin's name and ends the process. [any thread] */
_Noreturn void nr__guard_fail(const nr__guard_t *guard);

static inline void nr__guard_leave(nr__guard_t *guard) {
    if (guard->image != NULL) {
        nr__guard_fail(guard);
    }
}

#define NR__GUARD(of_image, of_function)                                                           \
    nr__guard_t nr__guard_here                                                                     \
        __attribute__((cleanup(nr__guard_leave))) = {(of_image), (of_function)}
#define NR__GUARD_END() (nr__guard_here.image = NULL)

#endif
