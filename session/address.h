/*
 * The path grammar of RFC 5321 4.1.2, with the UTF-8 of RFC 6531 3.3: what stands between the angle
 * brackets of MAIL and RCPT.
 * Nothing here knows which addresses are welcome, only which are well-formed.
 */
#ifndef SESSION_ADDRESS_H
#define SESSION_ADDRESS_H

#include "span.h"

enum {
    LOCAL_PART_MAX = 64,   /* octets, RFC 5321 4.5.3.1.1 */
    DOMAIN_MAX = 255,      /* octets, RFC 5321 4.5.3.1.2 */
    PATH_OCTETS_MAX = 256, /* octets with brackets and source route, RFC 5321 4.5.3.1.3 */
    LABEL_MAX = 63         /* octets, RFC 1035 2.3.4 */
};

/*
 * A mailbox in its one canonical form: the local part is quoted only where it must be, so that
 * "joe"@example.org and joe@example.org are the same (RFC 5321 4.1.2); a source route is gone.
 */
struct mailbox {
    char octets[PATH_OCTETS_MAX];
    size_t length;       /* 0: the null reverse-path */
    size_t local_length; /* equals length where there is no domain: <>, <postmaster> */
};

enum path_kind {
    PATH_KIND_REVERSE, /* of MAIL: <> is allowed */
    PATH_KIND_FORWARD  /* of RCPT: <postmaster> is allowed */
};

enum path_result { PATH_RESULT_OK, PATH_RESULT_MALFORMED, PATH_RESULT_TOO_LONG };

/*
 * Parses the path that `input` begins with into `mailbox` and moves `input` behind it. Unless
 * PATH_RESULT_OK is returned, neither `input` nor `mailbox` means anything.
 */
enum path_result path_parse(struct span *input, enum path_kind kind, struct mailbox *mailbox);

/* The mailbox's parts, borrowed from it; the domain is empty where there is none. */
struct span mailbox_whole(const struct mailbox *mailbox);
struct span mailbox_local(const struct mailbox *mailbox);
struct span mailbox_domain(const struct mailbox *mailbox);

/* Whether `text`, as a whole, is a domain name (RFC 5321 4.1.2, Domain). */
bool domain_is_valid(struct span text);

/* The same, where labels may be U-labels (RFC 6531 3.3); whether IDNA lets them be is not known. */
bool domain_is_valid_utf8(struct span text);

/* Whether `text`, as a whole, is an atom (RFC 5321 4.1.2). */
bool address_is_atom(struct span text);

/* Whether `text`, as a whole, is an address literal with its brackets (RFC 5321 4.1.3). */
bool literal_is_valid(struct span text);

#endif
