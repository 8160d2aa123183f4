# smtp-handler: `make help` lists the targets.

VERSION = 1.0

prefix = /usr/local
# Elsewhere all lies below the prefix, so that a user needs no root's rights.
sysconfdir = $(if $(filter /usr /usr/local,$(prefix)),/etc,$(prefix)/etc)
sbindir = $(prefix)/sbin
libexecdir = $(prefix)/libexec/smtp-handler
mandir = $(prefix)/share/man
docdir = $(prefix)/share/doc/smtp-handler
unitdir = $(prefix)/lib/systemd/system
catalogdir = $(prefix)/lib/systemd/catalog
sysusersdir = $(prefix)/lib/sysusers.d

CFLAGS ?= -O2 -g
WITH_SYSTEMD ?= yes
STATIC ?= no
MUSL_CC ?= musl-gcc
PORT ?= 2525
SECONDS = 60

# The house, a list a room: the session, which is pure; what every process of the handler may use; and
# each process, with what the runner asks and what it runs.
SYSTEMD_yes = systemd.o
SYSTEMD_no = systemd-protocol.o
TEXT = $(addprefix session/text/,base64.o text.o utf8.o)
SESSION = session.o $(TEXT) $(addprefix session/,abuse.o address.o answers.o argument.o auth.o begin.o \
	command.o content.o control.o envelope.o extension.o field.o header.o header-line.o helo.o \
	identity.o input.o life.o line.o literal.o mail.o message.o opening.o parameter.o proxy.o question.o refusal.o \
	reply.o results.o state.o trace.o transaction.o xclient.o xtext.o)
PROVED = $(SESSION:.o=) session/errors session/text/span \
	handler/boundary/record handler/endpoint handler/runner/request helpers/reply \
	$(addprefix helpers/milter-filter/,answer envelope fields macros packet take wire)
SHARED = $(addprefix handler/,cidr.o clock.o confine.o connection.o credential.o endpoint.o helper.o \
	landlock.o ledger.o library.o log.o mounts.o newlines.o problem.o process.o relay.o script.o signals.o \
	socket-address.o strings.o \
	$(SYSTEMD_$(WITH_SYSTEMD)) transaction.o wait.o)
OPTIONS = $(addprefix handler/options/,file.o filters.o help.o options.o print.o setting.o table.o unknown.o \
	words.o)
BOUNDARY = $(addprefix handler/boundary/,boundary.o channel.o record.o)
LISTENER = $(addprefix handler/listener/,bind.o keeper.o listener.o sockets.o user.o)
FRONTEND = $(addprefix handler/frontend/,acknowledgement.o frontend.o known.o proxy.o sandbox.o \
	stream.o timeouts.o wants.o)
RUNNER = $(addprefix handler/runner/,addresses.o copy.o deliveries.o filtered.o filtering.o identity.o judges.o keeper.o \
	messages.o operation.o report.o request.o resolve.o rewrite.o routes.o runner.o secrets.o spool.o state.o tls.o)
VERDICT = $(addprefix handler/verdict/,entry.o idn.o password-check.o password.o penalty.o policy-answer.o \
	policy-question.o policy.o recipient-check.o recipient-list.o recipient-route.o recipients-check.o \
	recipients.o)
START = $(addprefix handler/start/,check.o contradictions.o listen.o start.o)
DELIVERY = $(addprefix handler/delivery/,attributes.o command.o deliver.o duplicate.o edits.o filters.o interpreter.o \
	key.o outputs.o route.o sha256.o template.o)
HANDLER = smtp-handler.o $(SHARED) $(OPTIONS) $(BOUNDARY) $(LISTENER) $(FRONTEND) $(RUNNER) \
	$(VERDICT) $(DELIVERY) $(START)
RELAY = $(addprefix helpers/tls-relay/,carry.o control.o keep.o keys.o server.o shelter.o tls-relay.o) handler/confine.o
PASSWORD = helpers/password-check.o handler/confine.o
LMTP = $(addprefix helpers/,peer.o reply.o \
	$(addprefix lmtp-deliver/,content.o lmtp-deliver.o server.o verdict.o))
MILTER = handler/confine.o session/field.o session/text/text.o session/text/utf8.o $(addprefix helpers/,peer.o reply.o \
	$(addprefix milter-filter/,answer.o envelope.o facts.o fields.o macros.o message.o milter-filter.o packet.o \
	server.o take.o visit.o wire.o))
HELPERS = lmtp-deliver/lmtp-deliver maildir-deliver milter-filter/milter-filter password-check tls-relay/tls-relay
UNITS = lmtp.socket smtp-handler.service smtp-handler@.service smtp-handler-failed@.service \
	smtp.socket submission.socket tls-relay.service tls-relay.socket
MADE_UNITS = lmtp@.service smtp-handler-check.service smtp-handler-check-smtp.service \
	smtp-handler-check-smtp.service.d smtp@.service submission@.service submissions.socket \
	submissions@.service
CHECK = smtp-handler-check-.service.d/zz-check.conf
EXAMPLES = busy.conf dovecot-lda.conf dovecot.conf inetd.conf jit.conf network.conf opendkim.conf \
	postgrey.conf rspamd.conf sendmail.conf tcpserver-run user.conf xinetd.conf
KITS = fail2ban.conf mail.bats smtp-handler.mtail smtp-report smtp-report.svg test_mail.py $(ENGINES)
PAGES = smtp-handler.8 $(addprefix manual/,smtp-handler.conf.5 \
	smtp-handler-command.7 smtp-handler-security.7 smtp-handler-units.7 \
	lmtp-deliver.8 maildir-deliver.8 milter-filter.8 password-check.8 smtp-report.8 tls-relay.8 \
	$(if $(filter /etc,$(sysconfdir)),smtp-handler-check.8))
ENGINES = lmtp-postgresql to-http to-maildirs to-nats to-postgresql to-rabbitmq to-redis to-sqlite

# What makes a fault hard to use, if the build's compiler knows it; $(CFLAGS) follow.
HARDENING = -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection \
	-ftrivial-auto-var-init=zero -D_FORTIFY_SOURCE=3
# No build contains its directory's name.
ANYWHERE = '-ffile-prefix-map=$(CURDIR)=.'
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
FLAGS = -std=c11 -D_GNU_SOURCE -I. -DVERSION='"$(VERSION)"' $(WARNINGS) $(CPPFLAGS) $(CFLAGS)
SANITIZE = -Werror -fsanitize=address,undefined -fno-sanitize-recover=all

PROGRAMS = smtp-handler $(HELPERS:%=helpers/%)

CONFINED = frontend relay keeper password milter
FILTERS = $(CONFINED:%=handler/filter-%.inc)

.PHONY: all base bench bench-connections bench-engines check-engines check-filters check-hosts check-systemd clean deb drill fuzz help html install lint musl prove prove-mutations run \
	test uninstall valgrind FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS) ## build smtp-handler and its helpers

# Programs are loaded at a random address. Full RELRO: symbols are resolved at start, once, and the
# table of them is read-only afterwards.
BOUND = -pie -Wl,-z,relro,-z,now

# Each build has its directory, compiler and flags: release; static, with musl; sanitize and fuzz, for
# the tests. What else lies below build/ is linked from objects of release.
BUILD = $(word 2,$(subst /, ,$@))
COMPILER_static = $(MUSL)
COMPILER_fuzz = clang
HARDENED_release = $(ANYWHERE) @build/release/hardening
HARDENED_static = $(ANYWHERE) @build/static/hardening
FLAGS_sanitize = $(SANITIZE) -DSANITIZED -fno-omit-frame-pointer -fPIE
FLAGS_fuzz = $(SANITIZE) -fsanitize=fuzzer-no-link
FIRST_release = $(BOUND)
FIRST_sanitize = $(BOUND)
FIRST_static = @build/static/first
FIRST_fuzz = -fsanitize=fuzzer
LAST_static = @build/static/last

# In the place of a directory may be what an older tree built.
define compile
@[ ! -f $(@D) ] || rm $(@D); mkdir -p $(@D)
$(or $(COMPILER_$(BUILD)),$(CC)) $(HARDENED_$(BUILD)) $(FLAGS) -Ibuild/$(BUILD) $(FLAGS_$(BUILD)) -MMD -MP -c -o $@ $<
endef

# A program finds its functions $(WRAP) in test objects.
define link
@mkdir -p $(@D)
$(or $(COMPILER_$(BUILD)),$(CC)) $(FLAGS) $(FLAGS_$(BUILD)) $(FIRST_$(BUILD)) $(WRAP:%=-Wl,--wrap=%) \
	$(LDFLAGS) -o $@ $(filter %.o,$^) $(LIBRARIES_$(@F)) $(LDLIBS) $(LAST_$(BUILD))
endef

build/release/%.o: %.c build/flags build/release/hardening | $(FILTERS:%=build/release/%)
	$(compile)

build/static/%.o: %.c build/flags build/static/hardening | $(FILTERS:%=build/static/%)
	$(compile)

build/sanitize/%.o: %.c build/flags | $(FILTERS:%=build/sanitize/%)
	$(compile)

build/fuzz/%.o: %.c build/flags | $(FILTERS:%=build/fuzz/%)
	$(compile)

# The system calls of who is confined, as programs for the kernel; see handler/filter.c.
FILTER_sanitize = -DSANITIZED

build/%/handler/filter: handler/filter.c build/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(FILTER_$*) $(LDFLAGS) -o $@ $< -lseccomp

$(addprefix build/%/,$(FILTERS)): build/%/handler/filter
	for process in $(CONFINED); do $< $$process >$(@D)/filter-$$process.inc || exit; done

BUILT_no = build/release
BUILT_yes = build/static

copy = @cmp -s $< $@ || { mkdir -p $(@D) && cp $< $@; }

smtp-handler $(filter-out helpers/password-check,$(HELPERS:%=helpers/%)): %: $(BUILT_$(STATIC))/% FORCE
	$(copy)

helpers/password-check: %: build/release/% FORCE
	$(copy)

build/static/helpers/password-check: build/static/%: build/release/% FORCE
	$(copy)

LIBRARIES_tls-relay = -lssl -lcrypto
LIBRARIES_password-check = -lcrypt
LIBRARIES_measure = -lssl -lcrypto
LIBRARIES_floor-tls = -lssl -lcrypto

build/release/smtp-handler build/sanitize/smtp-handler: \
		build/%/smtp-handler: $(addprefix build/%/,$(HANDLER) $(SESSION))
	$(link)

build/static/smtp-handler: $(addprefix build/static/,$(HANDLER:systemd.o=systemd-protocol.o) $(SESSION))
	$(link)

$(patsubst %,build/%/helpers/lmtp-deliver/lmtp-deliver,release static sanitize): \
		build/%/helpers/lmtp-deliver/lmtp-deliver: $(addprefix build/%/,$(LMTP))
	$(link)

$(patsubst %,build/%/helpers/milter-filter/milter-filter,release static sanitize): \
		build/%/helpers/milter-filter/milter-filter: $(addprefix build/%/,$(MILTER))
	$(link)

$(patsubst %,build/%/helpers/maildir-deliver,release static sanitize): \
		build/%/helpers/maildir-deliver: build/%/helpers/maildir-deliver.o
	$(link)

$(patsubst %,build/%/helpers/password-check,release sanitize): \
		build/%/helpers/password-check: $(addprefix build/%/,$(PASSWORD))
	$(link)

$(patsubst %,build/%/helpers/tls-relay/tls-relay,release sanitize): \
		build/%/helpers/tls-relay/tls-relay: $(addprefix build/%/,$(RELAY))
	$(link)

# With glibc, for which OpenSSL's archives are made. What the linker says is about modules and hosts'
# names, which the relay never asks for.
build/static/helpers/tls-relay/tls-relay: $(addprefix build/release/,$(RELAY))
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -static-pie -Wl,-z,relro,-z,now $(LDFLAGS) -o $@ $^ $(LIBRARIES_$(@F)) $(LDLIBS) \
		2>$@.log || { cat $@.log; exit 1; }

# musl lacks Linux's headers.
MUSL = $(MUSL_CC) -idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch)

$(addprefix build/static/,smtp-handler helpers/lmtp-deliver/lmtp-deliver helpers/maildir-deliver \
		helpers/milter-filter/milter-filter): \
		build/static/first build/static/last

# What building them takes on Debian; a packager, or who names a compiler, has that.
musl:
	@mkdir -p build
	$(if $(DESTDIR)$(filter-out musl-gcc,$(MUSL_CC)),,$(call install_packages,build static))

# libidn2 within the static program, if it can be: the file has the linker's arguments.
# Debian's archives are made for glibc, of whose names they need one that musl lacks.
build/static/smtp-handler: private LIBRARIES_smtp-handler = @build/static/idn
build/static/handler/verdict/idn.o: private FLAGS_static = @build/static/idn-flags
build/static/handler/verdict/idn.o build/static/smtp-handler: build/static/idn

build/static/idn: build/static/first build/static/last
	@archives="$$($(CC) -print-file-name=libidn2.a) $$($(CC) -print-file-name=libunistring.a) \
		-Wl,--defsym=__memmove_chk=memmove"; \
	printf '#include <idn2.h>\nint main(void) { return idn2_to_ascii_8z("", 0, 0) + idn2_to_unicode_8z8z("", 0, 0); }\n' \
		>$(@D)/try.c; \
	if $(MUSL) -fPIE @build/static/first $(@D)/try.c $$archives @build/static/last -o $(@D)/try 2>$(@D)/tried; then \
		echo -DIDN2_IS_LINKED >$(@D)/idn-flags; echo $$archives >$@; \
	else \
		echo 'The static program knows no IDNA: it cannot be linked with libidn2.a and libunistring.a'; \
		: >$(@D)/idn-flags; : >$@; \
	fi; rm -f $(@D)/try $(@D)/try.c $(@D)/tried

# The first and last arguments that link a static program to be loaded at a random address:
# -static-pie, if the compiler's wrapper around musl knows it. Debian's does not, and asks for an
# interpreter; but musl has the start file for it, beside that for other programs.
build/static/last: build/static/first
build/static/first: build/flags | musl
	@mkdir -p $(@D)
	@link() { echo 'int main(void) { return 0; }' >$(@D)/try.c && \
		$(MUSL) -fPIE "$$@" -o $(@D)/try 2>/dev/null && readelf -hlW $(@D)/try >$(@D)/tried && \
		grep -q 'Type: *DYN' $(@D)/tried && ! grep -q INTERP $(@D)/tried; }; \
	file() { $(MUSL) -print-file-name=$$1; }; \
	at=$$($(MUSL) -\#\#\# -x c /dev/null 2>&1 | tr -d '"' | tr ' ' '\n' | sed -n 's:/Scrt1.o$$::p'); \
	first='-static-pie -Wl,-z,relro,-z,now'; last=; \
	link $$first $(@D)/try.c || { \
		first="-nostdlib -static -Wl,-pie,--no-dynamic-linker,-z,text,-z,relro,-z,now \
			$$at/rcrt1.o $$at/crti.o $$(file crtbeginS.o)"; \
		last="-lc -lgcc -lc $$(file crtendS.o) $$at/crtn.o"; \
		link $$first $(@D)/try.c $$last; \
	} || { first=-static; last=; \
		echo 'The static program lies at a fixed address: $(MUSL_CC) makes none that does not'; }; \
	echo $$last >$(@D)/last; echo $$first >$@; rm -f $(@D)/try $(@D)/try.c $(@D)/tried

# The session without a process, for the tests.
build/session-driver: $(addprefix build/release/,test/session-driver.o test/driver.o $(SESSION))
build/sanitize/session-driver: \
		$(addprefix build/sanitize/,test/session-driver.o test/driver.o $(SESSION))

# Lets system calls fail, for the drills.
build/drill/inject: build/release/test/drill/inject.o

# A frontend and helpers that were taken over, for test/attack.bats and test/attack-helpers.bats.
build/attack/smtp-handler: $(addprefix build/release/,test/drill/attack.o test/drill/kernel.o \
		$(HANDLER) $(SESSION))
build/attack/smtp-handler: private WRAP = session_begin
build/attack/helpers/tls-relay/tls-relay: \
		$(addprefix build/release/,test/drill/attack-relay.o test/drill/kernel.o $(RELAY))
build/attack/helpers/tls-relay/tls-relay: private WRAP = SSL_do_handshake
build/attack/helpers/password-check: \
		$(addprefix build/release/,test/drill/attack-password.o test/drill/kernel.o $(PASSWORD))
build/attack/helpers/password-check: private WRAP = crypt_r

# Measure: clients, the smallest server for them, and the smallest command.
BENCH = $(addprefix build/bench/,connect accept-loop floor floor-dynamic floor-musl floor-tls drain measure)

build/bench/connect: build/release/test/bench/connect.o
build/bench/accept-loop: $(addprefix build/release/test/bench/,accept-loop.o serve.o)
build/bench/floor-tls: $(addprefix build/release/test/bench/,floor-tls.o serve.o)
build/bench/floor build/bench/floor-dynamic: build/release/test/bench/floor.o
build/bench/floor: private FIRST_bench = -static
build/bench/measure: $(addprefix build/release/test/bench/,measure.o client.o mail.o process.o \
		storm.o visit.o work.o)

build/bench/floor-musl: test/bench/floor.c
build/bench/drain: test/bench/drain.c
build/bench/floor-musl build/bench/drain:
	@mkdir -p $(@D)
	musl-gcc $(FLAGS) -static -o $@ $<

# Each fuzzer has its corpus and perhaps its dictionary.
FUZZERS = session address config content lmtp milter password policy proxy recipients record xclient

$(FUZZERS:%=build/fuzz/fuzz-%): build/fuzz/fuzz-%: \
		$(addprefix build/fuzz/,test/fuzz/%.o test/driver.o $(SESSION))

# They call the handler, and the mains of helpers: one has a server without sockets, the crypt of the
# other is a quick one.
build/fuzz/fuzz-config: $(addprefix build/fuzz/,handler/cidr.o handler/endpoint.o handler/problem.o \
	handler/socket-address.o $(OPTIONS))
build/fuzz/fuzz-lmtp: $(addprefix build/fuzz/,$(LMTP))
build/fuzz/fuzz-lmtp: private WRAP = alarm connect recv send signal socket write
build/fuzz/helpers/lmtp-deliver/lmtp-deliver.o: private FLAGS += -Dmain=lmtp_deliver
build/fuzz/fuzz-milter: $(addprefix build/fuzz/,$(filter-out session/%,$(MILTER)))
build/fuzz/fuzz-milter: private WRAP = _exit alarm confine_enter connect memfd_create mmap poll recv send sendfile \
	signal socket write
build/fuzz/helpers/milter-filter/milter-filter.o: private FLAGS += -Dmain=milter_filter
build/fuzz/fuzz-password: $(addprefix build/fuzz/,$(PASSWORD))
build/fuzz/fuzz-policy build/fuzz/fuzz-recipients build/fuzz/fuzz-record: \
		$(addprefix build/fuzz/,$(filter-out smtp-handler.o,$(HANDLER)))
build/fuzz/fuzz-policy: private WRAP = connect getsockopt poll recv send socket wait_until
build/fuzz/fuzz-record: private WRAP = deliver_filter deliver_run policy_ask password_verdict penalty_wait \
	channel_receive channel_send resolve_client process_wait \
	spool_seal kill signals_stop_pending clock_milliseconds tls_prepare tls_perform_handshake
build/fuzz/helpers/password-check.o: private FLAGS += -Dmain=password_check -Dcrypt_r=hash_cheaply \
	-Dcrypt_checksalt=check_cheaply

ATTACK = $(patsubst %,build/attack/%,smtp-handler helpers/tls-relay/tls-relay helpers/password-check)

build/session-driver build/sanitize/session-driver build/drill/inject $(ATTACK) \
$(FUZZERS:%=build/fuzz/fuzz-%) $(filter-out %/floor-musl %/drain,$(BENCH)):
	$(link)

fuzz-%: build/fuzz/fuzz-%
	@mkdir -p build/fuzz/found/$*
	build/fuzz/fuzz-$* -max_total_time=$(SECONDS) -max_len=8192 -timeout=20 \
		-artifact_prefix=build/fuzz/ $(addprefix -dict=,$(wildcard test/fuzz/$*.dict)) \
		build/fuzz/found/$* test/fuzz/corpus/$* >build/fuzz/$*.log 2>&1 || \
		{ cat build/fuzz/$*.log; exit 1; }

# Changes if the flags do, so that all objects are made anew.
build/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(MUSL_CC) $(HARDENING) $(FLAGS) $(WITH_SYSTEMD)' | cmp -s - $@ || \
		echo '$(CC) $(MUSL_CC) $(HARDENING) $(FLAGS) $(WITH_SYSTEMD)' >$@

# Those of $(HARDENING) of which the compiler $(1) has nothing to say, beside the builder's flags: it
# knows them, and they contradict nothing. Asked anew only when flags have changed. Without
# optimization there is nothing to fortify.
define ask_compiler
@mkdir -p $(@D)
@says() { printf '#%s\n' 'if defined _FORTIFY_SOURCE && !defined __OPTIMIZE__' error endif | $(1) "$$@" $(FLAGS) -x c -S -o /dev/null - 2>&1; }; \
before=$$(says); \
for flag in $(HARDENING); do \
	[ "$$(says $$flag)" != "$$before" ] || echo "$$flag"; \
done >$@
endef

build/release/hardening: build/flags
	$(call ask_compiler,$(CC))

build/static/hardening: build/flags | musl
	$(call ask_compiler,$(MUSL))

-include $(shell find build \( -path build/peers -o -path build/deb -o -path build/base \) -prune \
	-o -name '*.d' -print 2>/dev/null)

# Installs those Debian packages of the uses $(1) that are missing, without starting their daemons.
define install_packages
@packages=$$(for use in $(1); do sed -n "s/^$$use: //p" test/packages; done); \
command -v dpkg-query >/dev/null || { echo "No Debian: these must be there:" $$packages; exit 0; }; \
missing=$$(for package in $$packages; do \
	dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q ' installed$$' || \
	echo $$package; done); \
if [ -n "$$missing" ]; then \
	echo "Installing Debian packages:" $$missing; \
	[ "$$(id -u)" = 0 ] || command -v sudo >/dev/null || \
		{ echo "There is no sudo: run, as root, apt-get install" $$missing; exit 1; }; \
	$$([ "$$(id -u)" = 0 ] || echo sudo) sh -ec ' \
		policy=/usr/sbin/policy-rc.d; \
		if [ ! -e $$policy ]; then \
			trap "rm -f $$policy" EXIT; \
			printf "#!/bin/sh\nexit 101\n" >$$policy; chmod 755 $$policy; \
		fi; \
		install="apt-get -q install -y --no-install-recommends"; \
		export DEBIAN_FRONTEND=noninteractive; \
		$$install "$$@" || { apt-get -q update && $$install "$$@"; }' \
	sh $$missing >build/packages.log 2>&1 </dev/null || { tail -20 build/packages.log; exit 1; }; \
fi
endef

download = { apt-get -q download $(1) || { apt-get -q update && apt-get -q download $(1); }; }

# For the disposable system that test/check-systemd installs them into if they are missing.
DEBS = adduser cpio openssl postfix ssl-cert
build/debs/%.deb:
	@mkdir -p $(@D)/$*
	cd $(@D)/$* && rm -f *.deb && $(call download,$*) && mv *.deb ../$*.deb
	@rmdir $(@D)/$*

# Unpacked, not installed: Debian has but one of a kind at a time, and would take away the one that
# is there.
PEERS = xinetd openbsd-inetd postfix exim4-daemon-light postgrey postfix-policyd-spf-python python3-spf-engine
BENCH_PEERS = postfix exim4-daemon-light mailfront msmtp-mta nullmailer opensmtpd python3-aiosmtpd \
	qpsmtpd
build/peers/%/unpacked:
	@mkdir -p $(@D)
	cd $(@D) && rm -f *.deb && $(call download,$*) && dpkg -x *.deb . && rm *.deb
	@chmod -R a-s $(@D) && touch $@

# For a try: a self-signed certificate, and one password.
build/run/passwords:
	@mkdir -p $(@D)
	@openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
		-subj /CN=localhost -keyout $(@D)/tls.key -out $(@D)/tls.crt 2>$(@D)/log || \
		{ cat $(@D)/log; exit 1; }
	@echo "me:$$(openssl passwd -6 secret)" >$@

# The owner of this folder serves, even if root runs it, and reads build/run.
run: ## receive mail on 127.0.0.1:2525, or PORT, into ./Maildir
	@mkdir -p build
	$(call install_packages,build run)
	@$(MAKE) -s --no-print-directory all build/run/passwords
	@[ "$$(id -u)" != 0 ] || chown --reference=. build/run build/run/*
	@printf '%s %s %s\n' \
		'Send a mail:  printf "Subject: hello\n\nIt works.\n" | curl --crlf' \
		'--url smtp://127.0.0.1:$(PORT) --mail-from me@example.org' \
		'--mail-rcpt you@localhost --upload-file -'
	@printf '%s\n' 'See it:       cat Maildir/new/*'
	@printf '%s %s\n' \
		'With TLS and a password:  swaks --server 127.0.0.1:$(PORT) --tls --auth PLAIN' \
		'--auth-user me --auth-password secret --to you@localhost'
	@echo 'Ctrl-C ends it; "make run PORT=2526" takes another port.'
	@exec ./smtp-handler --listen 127.0.0.1:$(PORT) --user "$$(stat -c %u .)" --log stderr \
		--tls-cert build/run/tls.crt --tls-key build/run/tls.key \
		--auth 'helpers/password-check build/run/passwords' helpers/maildir-deliver Maildir

prove: ## prove that what reads strangers' octets has no run-time error
	@mkdir -p build
	$(call install_packages,prove)
	@test/prove/run $(PROVED)

prove-mutations: ## break what is proved, one bound at a time, and see each proof fail
	@mkdir -p build
	$(call install_packages,prove)
	@test/prove/mutate

test: ## run all tests against BUILDS: sanitize and release, unless told; or static
	@mkdir -p build
	$(call install_packages,build run static test engines)
	@$(MAKE) --no-print-directory all $(PEERS:%=build/peers/%/unpacked) \
		$(DEBS:%=build/debs/%.deb) deb build/session-driver build/sanitize/session-driver \
		$(PROGRAMS:%=build/static/%) $(PROGRAMS:%=build/sanitize/%) \
		$(ATTACK) build/drill/inject
	@test/run

# It sees what is used without a value, unless there is one.
valgrind: ## run the tests under valgrind, but for those about time or memory
	@mkdir -p build
	$(call install_packages,build run static test engines valgrind)
	@$(MAKE) --no-print-directory all build/static/smtp-handler build/session-driver \
		$(PEERS:%=build/peers/%/unpacked) HARDENING='$(filter-out %=zero,$(HARDENING))'
	@test/valgrind

drill: ## let system calls fail, kill processes, send what no good client does, and count
	@mkdir -p build
	$(call install_packages,build run static test)
	@$(MAKE) --no-print-directory all build/drill/inject build/peers/postfix/unpacked
	@test/drill/run test/faults.bats test/kills.bats test/abuse.bats

check-engines: ## hand mail to databases and brokers while they are killed, full and slow, and count
	@mkdir -p build
	$(call install_packages,build run static test engines)
	@$(MAKE) --no-print-directory all
	@test/drill/run test/engines.bats

# `make test` has those that are installed.
check-filters: ## show messages to Debian's milters and policy servers, and tell what faults come to
	@mkdir -p build
	$(call install_packages,build test filters)
	@$(MAKE) --no-print-directory all $(PEERS:%=build/peers/%/unpacked)
	@rm -f build/milters
	@FILTER_FIGURES=$(CURDIR)/build/milters bats test/milters.bats
	@{ printf 'server\tseconds\tbreaks off\thung\tdead\tits edits\n'; cat build/milters; } | \
		expand -t 18,28,48,56,64

# In network namespaces of its own: nothing leaves this machine.
check-hosts: ## send COUNT mails to three hosts behind HAProxy while they fail, and count
	@mkdir -p build
	$(call install_packages,build static hosts)
	@$(MAKE) --no-print-directory all build/static/smtp-handler build/peers/postfix/unpacked
	@test/check-hosts

check-systemd: ## prove the units under systemd, a disposable one or else the one that runs here
	@mkdir -p build
	$(call install_packages,build run static test systemd)
	@$(MAKE) --no-print-directory all $(DEBS:%=build/debs/%.deb) deb
	@test/check-systemd here

# The builds that are there of those named NAME=FILE.
HANDLERS = ordinary=smtp-handler static=build/static/smtp-handler

# With BASE=COMMIT its builds, too, each under two names: the second tells how far figures vary.
BASES = ordinary-base=build/base/smtp-handler static-base=build/base/build/static/smtp-handler \
	ordinary-again=build/base/smtp-handler static-again=build/base/build/static/smtp-handler

bench: ## measure smtp-handler beside its peers and the least that there can be, or beside BASE
	@mkdir -p build
	$(call install_packages,build bench)
	@$(MAKE) --no-print-directory all $(PROGRAMS:%=build/static/%) $(BENCH) \
		$(if $(BASE),base,$(BENCH_PEERS:%=build/peers/%/unpacked))
	@BASE='$(BASE)' HANDLERS='$(HANDLERS) $(if $(BASE),$(BASES))' test/bench/run

base: build/peers/postfix/unpacked
	@rm -rf build/base && mkdir -p build/base
	@git archive $(BASE) | tar -x -C build/base
	@make="env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(MAKE) -s -C build/base"; \
	$$make build/static/smtp-handler all || exit; \
	$$make build/static/helpers/tls-relay/tls-relay >build/base/log 2>&1 || echo 'It has no static tls-relay.'
	@cp -Rn build/base/helpers build/base/build/static

bench-connections: ## measure connections a second of the ways to listen, side by side
	@mkdir -p build
	$(call install_packages,build bench)
	@$(MAKE) --no-print-directory all $(BENCH) build/peers/xinetd/unpacked
	@test/bench/run-connections

bench-engines: ## measure mail into PostgreSQL, by scripts, by a program that stays, beside Postfix
	@mkdir -p build
	$(call install_packages,build test engines)
	@$(MAKE) --no-print-directory all build/peers/postfix/unpacked
	@test/bench/run-engines

fuzz: ## run each fuzzer for SECONDS, 60 unless told
	@mkdir -p build
	$(call install_packages,build fuzz)
	@$(MAKE) --no-print-directory -s -j2 $(FUZZERS:%=fuzz-%)

lint: ## look for faults with clang-format, clang-tidy, cppcheck, shellcheck, mandoc
	@mkdir -p build
	$(call install_packages,build lint)
	@$(MAKE) --no-print-directory -s $(FILTERS:%=build/release/%)
	.ci/lint

# Substitute the installed paths.
CONFIG = $(DESTDIR)$(sysconfdir)/smtp-handler.conf
PLACED = sed 's:/usr/local/sbin:$(sbindir):g; s:/usr/local/libexec/smtp-handler:$(libexecdir):g; \
	s:/usr/local/share/doc/smtp-handler:$(docdir):g; s:/usr/local/lib/systemd/system:$(unitdir):g; \
	s:/usr/local/lib/sysusers.d:$(sysusersdir):g; \
	s:/etc/smtp-handler:$(sysconfdir)/smtp-handler:g'

# Below a prefix of one's own the units' directory for mail is missing.
CONFIGURED = $(PLACED) units/smtp-handler.conf \
	$(if $(filter /etc,$(sysconfdir)),,| sed 's:/var/lib/smtp-handler:$(prefix):g')

# The place of each page: man8/smtp-handler.8.
INSTALLED_PAGES = $(foreach page,$(PAGES),$(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))

# What `make install` and `make uninstall` do beside their files, but not below DESTDIR. The Debian
# package is another way to install: units below /usr/local win over its own.
IS_PACKAGED = dpkg-query -W -f '$${Status}' smtp-handler 2>/dev/null | grep -q ' installed$$'

define warn_of_package
@! $(IS_PACKAGED) || printf '%s\n' \
	'warning: the Debian package smtp-handler is installed, too. Each has its own program and units,' \
	'and both read $(CONFIG). Keep one: "apt-get remove smtp-handler", or "make uninstall".' >&2
endef

define check_configuration
@said=$$($(sbindir)/smtp-handler --check --config $(CONFIG) 2>&1 >/dev/null) || printf '%s\n' "$$said" \
	'warning: $(CONFIG), which was there, serves nobody until that is mended' >&2
endef

# A listener would run the old program for ever, and so would the keeper of the TLS key; systemd keeps
# their sockets meanwhile.
RESTART_SERVICES = case $(unitdir) in \
	/usr/local/lib/systemd/* | /usr/lib/systemd/* | /lib/systemd/* | /etc/systemd/*) \
		[ "$$(id -u)" != 0 ] || [ ! -d /run/systemd/system ] || \
			{ systemctl daemon-reload && systemctl try-restart tls-relay.service smtp-handler.service; } ;; \
	esac

# The services of one connection are alike but for what they speak; what is in submission.conf stands in
# place of ExecStart=.
service = sed 's:SMTP connection:$(1) connection:; s:failed@smtp-handler@:failed@$(2)@:; \
	s: --greet-delay 2 --strict-pipelining::; \
	s:ExecStart=/[^ ]*:&$(3):' smtp-handler@.service

# A session's service without a client. Its drop-ins are those of the session's; what makes it a check
# comes after them, in a directory for all units whose names begin so: no other may.
check = sed -e 's:One SMTP connection:What a session would find:; /^\# If systemd cannot/d' \
	-e 's:^Description=.*:Description=Check of smtp-handler:; /^OnFailure=/d' smtp-handler@.service

# Packagers, who set DESTDIR, install build dependencies and make the user themselves.
install: ## install, under $(prefix) and below $(DESTDIR)
	@mkdir -p build
	$(if $(DESTDIR),,$(call install_packages,build))
	@$(MAKE) --no-print-directory all
	install -d $(DESTDIR)$(sysconfdir) $(DESTDIR)$(sbindir) $(DESTDIR)$(libexecdir) \
		$(sort $(dir $(INSTALLED_PAGES))) $(DESTDIR)$(docdir)/examples \
		$(DESTDIR)$(docdir)/handler $(DESTDIR)$(docdir)/test/bench \
		$(DESTDIR)$(unitdir) $(DESTDIR)$(catalogdir) $(DESTDIR)$(sysusersdir)
	install smtp-handler $(DESTDIR)$(sbindir)
	install $(HELPERS:%=helpers/%) $(DESTDIR)$(libexecdir)
	chmod 711 $(DESTDIR)$(libexecdir)/password-check $(DESTDIR)$(libexecdir)/tls-relay
	for file in $(UNITS); do $(PLACED) units/$$file >$(DESTDIR)$(unitdir)/$$file || exit; done
	$(if $(filter /etc,$(sysconfdir)),install units/smtp-handler-check $(DESTDIR)$(sbindir))
	install -d $(dir $(DESTDIR)$(unitdir)/$(CHECK))
	$(PLACED) units/smtp-handler-check.conf >$(DESTDIR)$(unitdir)/$(CHECK)
	chmod 644 $(DESTDIR)$(unitdir)/$(CHECK)
	for page in $(PAGES); do $(PLACED) $$page >$(DESTDIR)$(mandir)/man$${page##*.}/$${page##*/} || exit; done
	test -e $(CONFIG) || { $(CONFIGURED) >$(CONFIG) && chmod 644 $(CONFIG); }
	install -m 644 handler/message-path.svg $(DESTDIR)$(docdir)/handler
	install -m 644 test/bench/*.svg $(DESTDIR)$(docdir)/test/bench
	for file in $(EXAMPLES); do $(PLACED) units/$$file >$(DESTDIR)$(docdir)/$$file || exit; done
	for file in $(KITS); do $(PLACED) examples/$$file >$(DESTDIR)$(docdir)/examples/$$file || exit; done
	chmod 644 $(INSTALLED_PAGES) $(UNITS:%=$(DESTDIR)$(unitdir)/%) \
		$(EXAMPLES:%=$(DESTDIR)$(docdir)/%) \
		$(KITS:%=$(DESTDIR)$(docdir)/examples/%)
	chmod 755 $(DESTDIR)$(docdir)/tcpserver-run $(DESTDIR)$(docdir)/examples/smtp-report \
		$(ENGINES:%=$(DESTDIR)$(docdir)/examples/%)
	$(PLACED) README.md >$(DESTDIR)$(docdir)/README.md && chmod 644 $(DESTDIR)$(docdir)/README.md
	install -m 644 CHANGELOG.md LICENSE SECURITY.md $(DESTDIR)$(docdir)
	install -m 644 test/bench/README.md $(DESTDIR)$(docdir)/test/bench
	install -m 644 units/smtp-handler.catalog $(DESTDIR)$(catalogdir)
	install -m 644 units/smtp-handler.sysusers $(DESTDIR)$(sysusersdir)/smtp-handler.conf
	$(if $(DESTDIR),,[ "$$(id -u)" != 0 ] || ! command -v systemd-sysusers >/dev/null || \
		systemd-sysusers $(sysusersdir)/smtp-handler.conf)
	cd units && $(call service,Submission,submission) | sed -e '/^ExecStart=/{r submission.conf' -e 'd}' | $(PLACED) \
		>$(DESTDIR)$(unitdir)/submission@.service
	cd $(DESTDIR)$(unitdir) && ln -sf smtp-handler@.service smtp@.service && \
		$(check) >smtp-handler-check-smtp.service && \
		ln -sf smtp-handler-check-smtp.service smtp-handler-check.service && \
		ln -sfn $(sysconfdir)/systemd/system/smtp-handler@.service.d smtp-handler-check-smtp.service.d && \
		$(call service,LMTP,lmtp, --lmtp) >lmtp@.service && \
		sed 's:--tls required:--tls implicit:; s:failed@submission@:failed@submissions@:' submission@.service >submissions@.service && \
		sed 's:ListenStream=587:ListenStream=465:; /^# /d' submission.socket >submissions.socket
	$(if $(DESTDIR),,$(warn_of_package))
	$(if $(DESTDIR),,$(check_configuration))
	@$(if $(DESTDIR),,$(RESTART_SERVICES))

uninstall: ## remove what install put there, but for a configuration that was changed
	! $(CONFIGURED) | cmp -s - $(CONFIG) || \
		$(if $(DESTDIR),,$(IS_PACKAGED) ||) rm -f $(CONFIG)
	rm -f $(addprefix $(DESTDIR)$(sbindir)/,smtp-handler smtp-handler-check) \
		$(INSTALLED_PAGES) \
		$(UNITS:%=$(DESTDIR)$(unitdir)/%) $(MADE_UNITS:%=$(DESTDIR)$(unitdir)/%) \
		$(DESTDIR)$(catalogdir)/smtp-handler.catalog $(DESTDIR)$(sysusersdir)/smtp-handler.conf
	rm -rf $(DESTDIR)$(libexecdir) $(DESTDIR)$(docdir) $(dir $(DESTDIR)$(unitdir)/$(CHECK))
	@path=$$(grep -so '$(libexecdir)/[^ "]*' $(CONFIG) | head -1) && [ -n "$$path" ] || exit 0; \
	echo "warning: $(CONFIG) still names $$path, which is removed: change its command line" >&2
	@$(if $(DESTDIR),,! $(IS_PACKAGED) || $(RESTART_SERVICES))

# In a copy, since the packages come to lie beside the tree. How make was called is not for the make
# in it.
DEB = build/deb/smtp-handler-$(VERSION)

deb: ## build a Debian package, build/deb/smtp-handler_*.deb
	@mkdir -p build
	$(call install_packages,build deb)
	@head -1 debian/changelog | grep -qF 'smtp-handler ($(VERSION)) ' || \
		{ echo 'debian/changelog does not begin with $(VERSION), as the Makefile has it'; exit 1; }
	@rm -rf build/deb && mkdir -p $(DEB)
	@tar -c --exclude-vcs --exclude=./build --exclude=./Maildir . | tar -x -C $(DEB)
	@cd $(DEB) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
		dpkg-buildpackage -us -uc -b >../log 2>&1 </dev/null || { tail -20 ../log; exit 1; }
	@lintian --allow-root --fail-on error,warning build/deb/*.changes
	@ls build/deb/smtp-handler_*.deb

clean: ## remove what was built
	rm -rf build $(PROGRAMS)

html: ## write the manual as pages that link to each other, with the pictures: build/html/index.html
	@mkdir -p build
	$(call install_packages,html)
	@manual/to-html build/html

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 20
