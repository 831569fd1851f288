#include "guard.h"

#include <stdio.h>
#include <stdlib.h>

void nr__guard_fail(const nr__guard_t *guard) {
    const char *name = guard->image->name;

    fprintf(stderr,
            "nylon-ring: plugin '%s' let an exception or a jump leave %s; "
            "it must be caught at the plugin's edge\n",
            name != NULL ? name : guard->image->library.path, guard->function);
    abort();
}
