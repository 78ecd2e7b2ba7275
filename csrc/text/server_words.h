/* What a server says about an error, in the body of its answer. Pure, any thread; nothing is
 * trusted. */
#ifndef SCOOP_TEXT_SERVER_WORDS_H
#define SCOOP_TEXT_SERVER_WORDS_H

#include <stddef.h>

enum { SCOOP_SERVER_WORDS_SIZE = 1300, SCOOP_SERVER_WORDS_CHARACTERS = 300 };

/* Writes the words of a body: of JSON its message, of XML and HTML the same or the title, else the
 * text; white space and control characters as single spaces. "" when there are none. */
void scoop_server_words_find(const void *body, size_t length, char *words, size_t size);

/* Puts *** for the query of each address in them. */
void scoop_server_words_mask_queries(char *words);

/* Cuts them to SCOOP_SERVER_WORDS_CHARACTERS. */
void scoop_server_words_cut(char *words);

#endif
