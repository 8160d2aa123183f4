/*
 * The pages and sections of the manual that texts lead to. test/manual.bats looks for each of them
 * there.
 */
#ifndef HANDLER_PAGE_H
#define HANDLER_PAGE_H

#define PAGE_COMMAND "smtp-handler-command(7), DIAGNOSTICS"
#define PAGE_COMMAND_LINE "--help or smtp-handler.conf(5)"
#define PAGE_CREDENTIALS "smtp-handler-units(7), CREDENTIALS"
#define PAGE_DONE_LIST "smtp-handler-command(7), ONCE AND ONLY ONCE"
#define PAGE_FILE "smtp-handler.conf(5)"
#define PAGE_FILTERS "smtp-handler-command(7), FILTERS"
#define PAGE_KEEPER "tls-relay(8)"
#define PAGE_KEYS "smtp-handler-security(7), KEYS AND PASSWORDS"
#define PAGE_LISTENING "smtp-handler(8), LISTENING"
#define PAGE_NETWORK "smtp-handler-units(7), PRIVATE NETWORK"
#define PAGE_POLICY "smtp-handler.conf(5), POLICY SERVERS"
#define PAGE_PROXIES "smtp-handler.conf(5), PROXIES"
#define PAGE_READ_ONLY "smtp-handler-units(7), READ-ONLY FILES"
#define PAGE_RECIPIENT_CHECKS "smtp-handler.conf(5), RECIPIENT CHECKS"
#define PAGE_RECIPIENTS "smtp-handler.conf(5), RECIPIENTS"
#define PAGE_SANDBOX "smtp-handler-security(7), DIAGNOSTICS"
#define PAGE_TLS "smtp-handler.conf(5), TLS"
#define PAGE_USERS "smtp-handler.conf(5), USERS"

#endif
