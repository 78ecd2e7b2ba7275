/* A number of JSON by its value. Pure. */
#ifndef SCOOP_TEXT_CANONICAL_NUMBER_H
#define SCOOP_TEXT_CANONICAL_NUMBER_H

#include <stddef.h>

enum { SCOOP_NUMBER_GROWTH = 24 /* bytes at most, of one with an exponent; others never grow */ };

/* Writes the number, which JSON allows, in the form that all of its value have: plain digits where
 * that takes no more than 20 zeros behind the number, or 5 behind its point, else with an exponent;
 * -0 is 0. One whose exponent has more than 15 digits stays as it is, unless it is 0. Returns the
 * end. */
unsigned char *scoop_canonical_number(unsigned char *out, const unsigned char *text, size_t length);

#endif
