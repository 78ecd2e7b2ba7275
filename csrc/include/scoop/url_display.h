/* Addresses as they are shown. Pure, any thread. */
#ifndef SCOOP_URL_DISPLAY_H
#define SCOOP_URL_DISPLAY_H

#include <stddef.h>

/* Writes a place (an address of any scheme, a path, "-") for messages and receipts, cut to fit:
 * without user info and query, and with "…" in place of what cannot be told from a password. A path
 * that begins with / or . is shown as it is, and of an S3 key only a signature is left out. */
void scoop_url_display(const char *url, char *text, size_t size);

#endif
