/*
 * What is believed of the C library: an address has 4 octets, or 16 of AF_INET6.
 */
#ifndef ARPA_INET_H
#define ARPA_INET_H

enum { AF_INET = 2, AF_INET6 = 10 };

/*@ requires \valid_read(text);
    requires \valid((char *)address + (0 .. (family == AF_INET ? 3 : 15)));
    assigns ((char *)address)[0 .. (family == AF_INET ? 3 : 15)] \from family, text[0 ..];
    assigns \result \from family, text[0 ..]; */
int inet_pton(int family, const char *text, void *address);

/*@ requires \valid_read((char *)address + (0 .. (family == AF_INET ? 3 : 15)));
    requires \valid(text + (0 .. size - 1));
    assigns text[0 .. size - 1] \from family, ((char *)address)[0 ..];
    assigns \result \from text, family, size;
    ensures \result == \null || \result == text; */
const char *inet_ntop(int family, const void *address, char *text, unsigned size);

#endif
