/* A driver for property tests: a line of list, host and port, with tabs between; out: 1 or 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text/no_proxy.h"

int main(void) {
    char line[4096];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *list = line, *host = strchr(line, '\t');
        if (host == NULL)
            return 1;
        *host++ = 0;
        size_t length = strcspn(host, "\t");
        unsigned port = (unsigned)strtoul(host + length + (host[length] == '\t'), NULL, 10);
        printf("%d\n", scoop_no_proxy_has(list, host, length, port));
        fflush(stdout);
    }
    return 0;
}
