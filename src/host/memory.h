/* Memory for small bookkeeping of the host, which no script, plugin or peer can size: when there is
 * none, the process stops, here. */
#ifndef NR__MEMORY_H
#define NR__MEMORY_H

#include <stddef.h>

/* As realloc, but never NULL. [any thread] */
void *nr__must_realloc(void *memory, size_t size);

#endif
