/* NO_PROXY, as Python's urllib (so botocore) and requests read it. Pure, any thread. */
#ifndef SCOOP_TEXT_NO_PROXY_H
#define SCOOP_TEXT_NO_PROXY_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a list such as "localhost, .internal, *.corp, host:8080, 10.0.0.0/8, ::1" has the host
 * ([IPv6] with its brackets) at the port. A name stands for all below it, too; with a port for that
 * port alone; "*" for everything. Names are not resolved. */
bool scoop_no_proxy_has(const char *list, const char *host, size_t host_length, unsigned port);

#endif
