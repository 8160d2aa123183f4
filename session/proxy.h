/*
 * The header that a proxy puts in front of what the client says: versions 1 and 2 of HAProxy's
 * PROXY protocol. Nothing here knows whether a proxy may be believed.
 */
#ifndef SESSION_PROXY_H
#define SESSION_PROXY_H

#include "span.h"

enum {
    PROXY_LINE_MAX = 107,       /* octets of version 1, CR LF included */
    PROXY_PREAMBLE = 16,        /* octets of version 2 in front of the addresses */
    PROXY_ADDRESSES_MAX = 4096, /* octets of addresses and TLVs; senders keep to 520 by default */
    PROXY_HEADER_MAX = PROXY_PREAMBLE + PROXY_ADDRESSES_MAX
};

enum proxy_result {
    PROXY_RESULT_MORE, /* all octets belong to the header, and it goes on */
    PROXY_RESULT_OK,
    PROXY_RESULT_BAD
};

/* How the header gives the ends of the connection. */
enum proxy_form {
    PROXY_FORM_NONE, /* not at all: LOCAL, UNKNOWN, no addresses of the Internet */
    PROXY_FORM_TEXT, /* whether it is an address is for others to say */
    PROXY_FORM_IPV4, /* 4 octets */
    PROXY_FORM_IPV6  /* 16 octets */
};

struct proxy_end {
    struct span address; /* borrowed from the header */
    unsigned port;
};

struct proxy_header {
    size_t length; /* octets of it; what stands behind them is the client's */
    enum proxy_form form;
    struct proxy_end source; /* the client, as the proxy sees it */
    struct proxy_end destination;
    const char *wrong; /* with PROXY_RESULT_BAD: what, in words */
};

/*
 * Reads the header at the front of `input`. Only PROXY_RESULT_OK makes the other fields mean
 * something. TLVs are skipped. PROXY_HEADER_MAX octets are never too few.
 */
enum proxy_result proxy_parse(struct span input, struct proxy_header *header);

#endif
