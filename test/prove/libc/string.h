/*
 * What is believed of the C library: what its functions read, write and return.
 */
#ifndef STRING_H
#define STRING_H

#include <stddef.h>

/*@ predicate readable_octets(char *octets, integer count) = \valid_read(octets + (0 .. count - 1));
    predicate writable_octets(char *octets, integer count) = \valid(octets + (0 .. count - 1)); */

/*@ requires writable_octets((char *)to, count) && readable_octets((char *)from, count);
    requires \separated((char *)to + (0 .. count - 1), (char *)from + (0 .. count - 1));
    assigns ((char *)to)[0 .. count - 1] \from ((char *)from)[0 .. count - 1];
    assigns \result \from to;
    ensures \result == to; */
void *memcpy(void *to, const void *from, size_t count);

/*@ requires writable_octets((char *)to, count) && readable_octets((char *)from, count);
    assigns ((char *)to)[0 .. count - 1] \from ((char *)from)[0 .. count - 1];
    assigns \result \from to;
    ensures \result == to; */
void *memmove(void *to, const void *from, size_t count);

/*@ requires writable_octets((char *)to, count);
    assigns ((char *)to)[0 .. count - 1] \from octet;
    assigns \result \from to;
    ensures \result == to; */
void *memset(void *to, int octet, size_t count);

/*@ requires readable_octets((char *)a, count) && readable_octets((char *)b, count);
    assigns \result \from ((char *)a)[0 .. count - 1], ((char *)b)[0 .. count - 1];
    ensures \result == 0 ==>
        \forall integer i; 0 <= i < count ==> ((char *)a)[i] == ((char *)b)[i]; */
int memcmp(const void *a, const void *b, size_t count);

/*@ requires readable_octets((char *)octets, count);
    assigns \result \from octets, ((char *)octets)[0 .. count - 1], octet;
    ensures \result == \null ==>
        \forall integer i; 0 <= i < count ==> ((char *)octets)[i] != (char)octet;
    ensures \result != \null ==> \exists integer i; 0 <= i < count &&
        \result == (char *)octets + i && ((char *)octets)[i] == (char)octet; */
void *memchr(const void *octets, int octet, size_t count);

/* A string ends with NUL, which the model cannot tell: it is trusted. */
/*@ requires \valid_read(string);
    assigns \result \from string[0 ..];
    ensures readable_octets((char *)string, \result + 1) && \result < 0x7fffffff; */
size_t strlen(const char *string);

/*@ requires \valid_read(string);
    assigns \result \from string, string[0 ..], octet;
    ensures \result == \null || \valid_read(\result); */
char *strchr(const char *string, int octet);

/*@ requires \valid_read(a) && \valid_read(b);
    assigns \result \from a[0 ..], b[0 ..]; */
int strcmp(const char *a, const char *b);

/*@ requires \valid_read(a) && \valid_read(b);
    assigns \result \from a[0 ..], b[0 ..], count; */
int strncmp(const char *a, const char *b, size_t count);

#endif
