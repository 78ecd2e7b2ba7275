#include "base/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FEW = 4 }; /* what a connection that failed may have given back already */

bool scoop_descriptors_are_spent(void) {
    int opened[FEW], count = 0;
    while (count < FEW && (opened[count] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        count++;
    bool spent = count < FEW && (errno == EMFILE || errno == ENFILE);
    while (count > 0)
        close(opened[--count]);
    return spent;
}

int scoop_fail_descriptors(struct scoop_error *error, const char *doing) {
    struct rlimit limit = {0};
    getrlimit(RLIMIT_NOFILE, &limit);
    scoop_fail_errno(error, EMFILE, "%s: the limit of open files, %llu (ulimit -n), is reached",
                     doing, (unsigned long long)limit.rlim_cur);
    error->retryable = true;
    return -1;
}
