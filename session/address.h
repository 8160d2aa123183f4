/*
 * The path grammar of RFC 5321 4.1.2, with the UTF-8 of RFC 6531 3.3: the addresses of MAIL and
 * RCPT. It decides which are well-formed, not which are accepted.
 *
 * It takes more than the RFC, since that decides nothing and the mail is real: dots anywhere in a
 * local part, underscores in a domain, IPv6 literals without their tag, a path without angle
 * brackets, a sender without a domain.
 */
#ifndef SESSION_ADDRESS_H
#define SESSION_ADDRESS_H

#include "session/text/span.h"

enum {
    LOCAL_PART_MAX = 255, /* octets; RFC 5321 4.5.3.1.1 asks for at least 64 */
    DOMAIN_MAX = 255,     /* octets, RFC 5321 4.5.3.1.2 */
    MAILBOX_MAX = LOCAL_PART_MAX + 1 + DOMAIN_MAX,
    PATH_OCTETS_MAX = 512, /* with a source route; RFC 5321 4.5.3.1.3 asks for at least 256 */
    LABEL_MAX = 63         /* octets, RFC 1035 2.3.4 */
};

/*
 * A mailbox in its one canonical form: the local part is quoted only if it must be, and then it is,
 * so that "joe"@example.org and joe@example.org are the same (RFC 5321 4.1.2), and "a..b"@c and
 * a..b@c; the ASCII letters of the domain are small (2.4); a source route is gone.
 */
struct mailbox {
    char octets[MAILBOX_MAX];
    size_t length;       /* 0: the null reverse-path */
    size_t local_length; /* equals length without a domain: <>, <postmaster>, <root> */
};

/*@ predicate mailbox_ok(struct mailbox *mailbox) = \valid_read(mailbox) &&
        mailbox->local_length <= LOCAL_PART_MAX &&
        mailbox->local_length <= mailbox->length <= MAILBOX_MAX; */

enum path_kind {
    PATH_KIND_REVERSE, /* of MAIL: <> is allowed, and <root>, without a domain */
    PATH_KIND_FORWARD  /* of RCPT: <postmaster> is allowed, and nobody else without a domain */
};

enum path_result { PATH_RESULT_OK, PATH_RESULT_MALFORMED, PATH_RESULT_TOO_LONG };

/*
 * Parses the path that `input` begins with into `mailbox` and moves `input` behind it, which
 * without angle brackets is the first octet that cannot belong to it. With another result than
 * PATH_RESULT_OK, `input` and `mailbox` are undefined.
 */
/*@ requires parsable(input) && \valid(mailbox);
    requires \separated(mailbox, input, input->octets + (0 .. input->length - 1));
    assigns *input, mailbox->length, mailbox->local_length, mailbox->octets[0 .. MAILBOX_MAX - 1];
    ensures parsable(input) && rest_of(*input, \old(*input)) && mailbox_ok(mailbox); */
enum path_result path_parse(struct span *input, enum path_kind kind, struct mailbox *mailbox);

/* Adds `domain`, which is valid, unless there is one, or the path is null. */
/*@ requires \valid(mailbox) && mailbox_ok(mailbox);
    requires readable(domain) && domain.length <= DOMAIN_MAX;
    requires \separated(mailbox, domain.octets + (0 .. domain.length - 1));
    assigns mailbox->length, mailbox->octets[0 .. MAILBOX_MAX - 1];
    ensures mailbox_ok(mailbox); */
void mailbox_add_domain(struct mailbox *mailbox, struct span domain);

/* The mailbox's parts, borrowed from it; the domain is empty if there is none. */
/*@ requires mailbox_ok(mailbox);
    assigns \nothing;
    ensures readable(\result);
    ensures \result.octets == &mailbox->octets[0] && \result.length == mailbox->length; */
struct span mailbox_whole(const struct mailbox *mailbox);
/*@ requires mailbox_ok(mailbox);
    assigns \nothing;
    ensures readable(\result);
    ensures \result.octets == &mailbox->octets[0] && \result.length == mailbox->local_length; */
struct span mailbox_local(const struct mailbox *mailbox);
/*@ requires mailbox_ok(mailbox);
    assigns \nothing;
    ensures lies_in(\result, &mailbox->octets[0], MAILBOX_MAX) && \result.length <= MAILBOX_MAX; */
struct span mailbox_domain(const struct mailbox *mailbox);

/* The well-formed local part without the quotes and backslashes of a quoted string, in `octets`. */
/*@ requires readable(local) && local.length <= LOCAL_PART_MAX;
    requires \valid(octets + (0 .. LOCAL_PART_MAX - 1));
    requires \separated(local.octets + (0 .. local.length - 1), octets + (0 .. LOCAL_PART_MAX - 1));
    assigns octets[0 .. LOCAL_PART_MAX - 1];
    ensures \result.octets == octets && \result.length <= local.length; */
struct span local_part_unquote(struct span local, char octets[LOCAL_PART_MAX]);

/* Whether `text`, as a whole, is a domain name (RFC 5321 4.1.2, Domain), perhaps with underscores.
 */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result ==> text.length <= DOMAIN_MAX; */
bool domain_is_valid(struct span text);

/* The same with U-labels allowed (RFC 6531 3.3); whether IDNA allows them is not checked. */
/*@ requires readable(text);
    assigns \nothing;
    ensures \result ==> text.length <= DOMAIN_MAX; */
bool domain_is_valid_utf8(struct span text);

/* Whether `text`, as a whole, is an atom (RFC 5321 4.1.2). */
/*@ requires readable(text);
    assigns \nothing; */
bool address_is_atom(struct span text);

#endif
