/*
 * The header that a proxy puts in front of what the client says: versions 1 and 2 of HAProxy's
 * PROXY protocol. Whether the proxy is trusted is not decided here.
 */
#ifndef SESSION_PROXY_H
#define SESSION_PROXY_H

#include "session/text/span.h"

enum {
    PROXY_LINE_MAX = 107,       /* octets of version 1, CR LF included */
    PROXY_PREAMBLE = 16,        /* octets of version 2 in front of the addresses */
    PROXY_ADDRESSES_MAX = 4096, /* octets of addresses and TLVs; senders keep to 520 by default */
    PROXY_HEADER_MAX = PROXY_PREAMBLE + PROXY_ADDRESSES_MAX
};

enum proxy_result {
    PROXY_RESULT_MORE, /* all octets belong to the header, which is not complete */
    PROXY_RESULT_OK,
    PROXY_RESULT_BAD
};

/* How the header gives the endpoints of the connection. */
enum proxy_form {
    PROXY_FORM_NONE, /* not at all: LOCAL, UNKNOWN, no addresses of the Internet */
    PROXY_FORM_TEXT, /* the caller must parse the address */
    PROXY_FORM_IPV4, /* 4 octets */
    PROXY_FORM_IPV6  /* 16 octets */
};

struct proxy_endpoint {
    struct span address; /* borrowed from the header */
    unsigned port;
};

struct proxy_header {
    size_t length; /* octets; the client's follow */
    enum proxy_form form;
    struct proxy_endpoint source; /* the client, as the proxy sees it */
    struct proxy_endpoint destination;
    const char *reason; /* with PROXY_RESULT_BAD: what is wrong, in words */
};

/*@ predicate addresses_ok(struct proxy_header *header) =
        readable(header->source.address) && readable(header->destination.address) &&
        (header->form == PROXY_FORM_IPV4 ==>
            header->source.address.length == header->destination.address.length == 4) &&
        (header->form == PROXY_FORM_IPV6 ==>
            header->source.address.length == header->destination.address.length == 16); */
/*
 * Parses the header at the front of `input`. Unless the result is PROXY_RESULT_OK, fields other
 * than `reason` are undefined. TLVs are skipped. PROXY_HEADER_MAX octets are always enough.
 */
/*@ requires readable(input) && \valid(header);
    assigns *header;
    ensures \result == PROXY_RESULT_OK ==> header->length <= input.length && addresses_ok(header);
    ensures \result == PROXY_RESULT_BAD ==> \valid_read(header->reason); */
enum proxy_result proxy_parse(struct span input, struct proxy_header *header);

#endif
