/*
 * The exit statuses of sendmail, which Frama-C's library does not have.
 */
#ifndef SYSEXITS_H
#define SYSEXITS_H

enum {
    EX_OK,
    EX_USAGE = 64,
    EX_DATAERR,
    EX_NOINPUT,
    EX_NOUSER,
    EX_NOHOST,
    EX_UNAVAILABLE,
    EX_SOFTWARE,
    EX_OSERR,
    EX_OSFILE,
    EX_CANTCREAT,
    EX_IOERR,
    EX_TEMPFAIL,
    EX_PROTOCOL,
    EX_NOPERM,
    EX_CONFIG
};

#endif
