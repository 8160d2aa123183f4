# smtp-handler: `make help` lists the targets.

VERSION = 0.1

prefix = /usr/local
sysconfdir = /etc
sbindir = $(prefix)/sbin
libexecdir = $(prefix)/libexec/smtp-handler
mandir = $(prefix)/share/man
docdir = $(prefix)/share/doc/smtp-handler
unitdir = $(prefix)/lib/systemd/system
catalogdir = $(prefix)/lib/systemd/catalog

CFLAGS ?= -O2 -g
WITH_SYSTEMD ?= yes
STATIC ?= no
MUSL_CC ?= musl-gcc
PORT = 2525
SECONDS = 60

# The house: what the session is made of, and what the handler is.
SESSION = session.o session/address.o session/auth.o session/base64.o session/command.o \
	session/content.o session/envelope.o session/extension.o session/header.o session/line.o \
	session/message.o session/parameter.o session/proxy.o session/reply.o session/text.o \
	session/trace.o session/utf8.o session/xclient.o
HANDLER = smtp-handler.o handler/boundary.o handler/clock.o handler/connection.o handler/deliver.o \
	handler/done.o handler/endpoint.o handler/facts.o handler/foresight.o handler/hostname.o \
	handler/idn.o handler/landlock.o handler/library.o handler/listener.o handler/log.o handler/network.o \
	handler/operation.o handler/options.o handler/outputs.o handler/password.o \
	handler/patience.o handler/problem.o handler/process.o handler/proxy.o \
	handler/recipients.o handler/record.o handler/report.o handler/runner.o handler/sandbox.o \
	handler/sha256.o handler/signals.o handler/spool.o handler/stream.o handler/superserver.o \
	handler/systemd.o handler/template.o handler/tls.o handler/transaction.o
HELPERS = maildir-deliver password-check tls-relay
UNITS = lmtp.socket smtp-handler.service smtp-handler@.service smtp.socket submission.socket
MADE_UNITS = lmtp@.service smtp@.service submission@.service submissions.socket \
	submissions@.service
EXAMPLES = busy.conf dovecot-lda.conf dovecot.conf inetd.conf network.conf sendmail.conf \
	tcpserver-run tls.conf user.conf xinetd.conf

WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes
FLAGS = -std=c11 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' $(WARNINGS) $(CPPFLAGS) $(CFLAGS)
SYSTEMD_yes = -DWITH_SYSTEMD
FUZZ = -Werror -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
SANITIZE = -Werror -DSANITIZED -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer

# Debian's packages: to build, run, test, test under valgrind, fuzz, lint, package and measure.
BUILD_PACKAGES = gcc libc6-dev libcrypt-dev libidn2-dev libseccomp-dev libssl-dev libsystemd-dev \
	libtls-dev
RUN_PACKAGES = $(BUILD_PACKAGES) curl libnet-ssleay-perl openssl swaks ucspi-tcp
TEST_PACKAGES = $(RUN_PACKAGES) musl-tools bats binutils dovecot-core dovecot-imapd dovecot-pop3d haproxy \
	iproute2 libbsd0 libdb5.3 libevent-2.1-7 libgnutls-dane0 libicu72 libidn12 \
	libnginx-mod-mail libnsl2 libnss-wrapper libpcre2-8-0 libsasl2-2 libssl3 libtirpc3 \
	libwrap0 msmtp netbase nginx procps python3 strace systemd testssl.sh
VALGRIND_PACKAGES = $(TEST_PACKAGES) valgrind
FUZZ_PACKAGES = $(BUILD_PACKAGES) clang libclang-rt-dev
LINT_PACKAGES = $(BUILD_PACKAGES) clang clang-format clang-tidy cppcheck mandoc shellcheck
DEB_PACKAGES = $(BUILD_PACKAGES) build-essential debhelper lintian
BENCH_PACKAGES = $(BUILD_PACKAGES) gnuplot-nox libbg2 libcvm1 libdb5.3 libdigest-hmac-perl \
	libevent-2.1-7 libgnutls-dane0 libgnutls30 libicu72 libidn12 libio-socket-inet6-perl \
	libipc-shareable-perl liblua5.1-0 libmail-spf-perl libmailtools-perl libnet-dns-perl libnsl2 \
	libpam0g libpcre2-8-0 libsasl2-2 libsecret-1-0 libsocket6-perl libssl3 libstdc++6 libtirpc3 \
	libwrap0 musl-tools netbase openssl perl python3 python3-attr python3-public \
	python3-typing-extensions systemd ucspi-tcp

PROGRAMS = smtp-handler $(HELPERS:%=helpers/%)

.PHONY: all bench bench-connections check-systemd clean deb drill fuzz help install lint run test \
	uninstall valgrind FORCE
.DELETE_ON_ERROR:
.SECONDARY:

all: $(PROGRAMS) ## build smtp-handler and its helpers

# All that is to be found elsewhere is found before main: nothing is left to be written to, and to
# be looked for in each process anew.
BOUND = -Wl,-z,relro,-z,now

# Each build has its directory: release; static, with musl; sanitize and fuzz, for the tests.
BUILT_no = build/release
BUILT_yes = build/static

copy = @cmp -s $< $@ || { mkdir -p $(@D) && cp $< $@; }

smtp-handler helpers/maildir-deliver: %: $(BUILT_$(STATIC))/% FORCE
	$(copy)

helpers/tls-relay helpers/password-check: %: build/release/% FORCE
	$(copy)

build/release/smtp-handler: $(addprefix build/release/,$(HANDLER) $(SESSION))
	$(CC) $(FLAGS) $(BOUND) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What a helper is linked with is its own affair.
LIBRARIES_tls-relay = -ltls -lcrypto
LIBRARIES_password-check = -lcrypt

build/release/helpers/%: build/release/helpers/%.o
	$(CC) $(FLAGS) $(BOUND) $(LDFLAGS) -o $@ $^ $(LIBRARIES_$*) $(LDLIBS)

# Libraries cannot be loaded by it: it knows neither systemd nor IDNA. musl has no headers of Linux.
MUSL = $(MUSL_CC) -idirafter /usr/include -idirafter /usr/include/$(shell $(CC) -print-multiarch)

build/static/smtp-handler: $(addprefix build/static/,$(HANDLER) $(SESSION))
	$(MUSL) $(FLAGS) $(LDFLAGS) -static -o $@ $^ $(LDLIBS)

build/static/helpers/maildir-deliver: build/static/helpers/maildir-deliver.o
	$(MUSL) $(FLAGS) $(LDFLAGS) -static -o $@ $^ $(LDLIBS)

build/static/helpers/tls-relay build/static/helpers/password-check: \
		build/static/%: build/release/% FORCE
	$(copy)

build/sanitize/smtp-handler: $(addprefix build/sanitize/,$(HANDLER) $(SESSION))
	$(CC) $(FLAGS) $(SANITIZE) $(BOUND) $(LDFLAGS) -o $@ $^ $(LDLIBS)

build/sanitize/helpers/%: build/sanitize/helpers/%.o
	$(CC) $(FLAGS) $(SANITIZE) $(BOUND) $(LDFLAGS) -o $@ $^ $(LIBRARIES_$*) $(LDLIBS)

# Runs the session without a process, for the tests.
build/session-driver: $(addprefix build/release/,test/session-driver.o test/driver.o $(SESSION))
	$(CC) $(FLAGS) $(LDFLAGS) -o $@ $^

build/sanitize/session-driver: \
		$(addprefix build/sanitize/,test/session-driver.o test/driver.o $(SESSION))
	$(CC) $(FLAGS) $(SANITIZE) $(LDFLAGS) -o $@ $^

# Measure: clients, the least that serves them, and the least that takes a message.
BENCH = $(addprefix build/bench/,connect accept-loop floor floor-dynamic floor-musl drain measure)

build/bench/floor: BENCH_LDFLAGS = -static
build/bench/floor build/bench/accept-loop build/bench/connect: build/bench/%: \
		build/release/test/bench/%.o
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(LDFLAGS) $(BENCH_LDFLAGS) -o $@ $^

build/bench/floor-dynamic: build/release/test/bench/floor.o
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(LDFLAGS) -o $@ $^

build/bench/floor-musl: test/bench/floor.c
	@mkdir -p $(@D)
	musl-gcc $(FLAGS) -static -o $@ $<

build/bench/drain: test/bench/drain.c
	@mkdir -p $(@D)
	musl-gcc $(FLAGS) -static -o $@ $<

build/bench/measure: $(addprefix build/release/test/bench/,measure.o client.o mail.o process.o \
		visit.o work.o)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(LDFLAGS) -o $@ $^ -ltls

# Lets system calls fail, for the drills.
build/drill/inject: build/release/test/drill/inject.o
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(LDFLAGS) -o $@ $^

# Has a session process that was taken over, for test/attack.bats.
build/attack/smtp-handler: \
		$(addprefix build/release/,test/drill/attack.o $(HANDLER) $(SESSION))
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(LDFLAGS) -Wl,--wrap=session_begin -o $@ $^ $(LDLIBS)

# Run what comes to a fuzzer's mind; each has its corpus and, perhaps, its words.
FUZZERS = session address config content password proxy record xclient

build/fuzz/fuzz-%: $(addprefix build/fuzz/,test/fuzz/%.o test/driver.o $(SESSION))
	clang $(FLAGS) $(FUZZ) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What they read of the handler and of a helper, whose main is called and whose crypt is quick.
build/fuzz/fuzz-config: $(addprefix build/fuzz/handler/,network.o options.o problem.o)
build/fuzz/fuzz-password: build/fuzz/helpers/password-check.o
build/fuzz/fuzz-record: $(addprefix build/fuzz/,$(filter-out smtp-handler.o,$(HANDLER)))
build/fuzz/fuzz-record: private FUZZ += -Wl,--wrap=deliver_run -Wl,--wrap=password_judge \
	-Wl,--wrap=tls_prepare -Wl,--wrap=tls_shake_hands
build/fuzz/helpers/password-check.o: FUZZ += -Dmain=password_check -Dcrypt_r=hash_cheaply

build/fuzz/%.o: %.c build/flags
	@mkdir -p $(@D)
	clang $(FLAGS) $(FUZZ) -MMD -MP -c -o $@ $<

fuzz-%: build/fuzz/fuzz-%
	@mkdir -p build/fuzz/found/$*
	build/fuzz/fuzz-$* -max_total_time=$(SECONDS) -max_len=8192 -timeout=20 \
		-artifact_prefix=build/fuzz/ $(addprefix -dict=,$(wildcard test/fuzz/$*.dict)) \
		build/fuzz/found/$* test/fuzz/corpus/$* >build/fuzz/$*.log 2>&1 || \
		{ cat build/fuzz/$*.log; exit 1; }

# The session process's system calls, as a program for the kernel; see handler/filter.c.
FILTER_sanitize = -DSANITIZED

build/%/handler/filter.inc: handler/filter.c build/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(FILTER_$*) $(LDFLAGS) -o $(@D)/filter $< -lseccomp
	$(@D)/filter >$@

build/%/handler/sandbox.o: private FLAGS += -I$(@D)
build/release/handler/sandbox.o: build/release/handler/filter.inc
build/sanitize/handler/sandbox.o: build/sanitize/handler/filter.inc
build/static/handler/sandbox.o: build/static/handler/filter.inc
build/fuzz/handler/sandbox.o: build/fuzz/handler/filter.inc

build/release/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(SYSTEMD_$(WITH_SYSTEMD)) -MMD -MP -c -o $@ $<

build/sanitize/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(SYSTEMD_$(WITH_SYSTEMD)) $(SANITIZE) -MMD -MP -c -o $@ $<

build/static/%.o: %.c build/flags
	@mkdir -p $(@D)
	$(MUSL) $(FLAGS) -MMD -MP -c -o $@ $<

# Changes when the flags do, so that objects made with others are made anew.
build/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(FLAGS) $(WITH_SYSTEMD)' | cmp -s - $@ || \
		echo '$(CC) $(FLAGS) $(WITH_SYSTEMD)' >$@

-include $(shell find build \( -path build/peers -o -path build/deb \) -prune -o \
	-name '*.d' -print 2>/dev/null)

# Installs which of the Debian packages $(1) are missing, and keeps them from starting daemons.
define install_packages
@command -v dpkg-query >/dev/null || { echo "No Debian: these must be there: $(1)"; exit 0; }; \
missing=$$(for package in $(1); do \
	dpkg-query -W -f '$${Status}' $$package 2>/dev/null | grep -q ' installed$$' || \
	echo $$package; done); \
if [ -n "$$missing" ]; then \
	echo "Installing Debian packages:" $$missing; \
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

# For the disposable system that test/check-systemd installs them into, where they are missing.
DEBS = adduser cpio openssl postfix ssl-cert
build/debs/%.deb:
	@mkdir -p $(@D)/$*
	cd $(@D)/$* && rm -f *.deb && $(call download,$*) && mv *.deb ../$*.deb
	@rmdir $(@D)/$*

# Unpacked, not installed: Debian has but one of a kind at a time, and would take away the one that
# is there.
PEERS = xinetd openbsd-inetd postfix exim4-daemon-light
BENCH_PEERS = postfix exim4-daemon-light mailfront msmtp-mta nullmailer opensmtpd python3-aiosmtpd \
	qpsmtpd
build/peers/%/unpacked:
	@mkdir -p $(@D)
	cd $(@D) && rm -f *.deb && $(call download,$*) && dpkg -x *.deb . && rm *.deb
	@chmod -R a-s $(@D) && touch $@

# For a try: a certificate that nobody vouches for, and one password.
build/run/passwords:
	@mkdir -p $(@D)
	@openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
		-subj /CN=localhost -keyout $(@D)/tls.key -out $(@D)/tls.crt 2>$(@D)/log || \
		{ cat $(@D)/log; exit 1; }
	@echo "me:$$(openssl passwd -6 secret)" >$@

run: ## receive mail on 127.0.0.1:2525 into ./Maildir
	@mkdir -p build
	$(call install_packages,$(RUN_PACKAGES))
	@$(MAKE) --no-print-directory all build/run/passwords
	@printf '%s %s %s\n' \
		'Send a mail:  printf "Subject: hello\n\nIt works.\n" | curl --crlf' \
		'--url smtp://127.0.0.1:$(PORT) --mail-from me@example.org' \
		'--mail-rcpt you@localhost --upload-file -'
	@printf '%s\n' 'See it:       cat Maildir/new/*'
	@printf '%s %s\n' \
		'With TLS and a password:  swaks --server 127.0.0.1:$(PORT) --tls --auth PLAIN' \
		'--auth-user me --auth-password secret --to you@localhost'
	@exec tcpserver -HR -l localhost 127.0.0.1 $(PORT) ./smtp-handler --log stderr \
		--tls-cert build/run/tls.crt --tls-key build/run/tls.key \
		--auth 'helpers/password-check build/run/passwords' helpers/maildir-deliver Maildir

test: ## run all tests against BUILDS: sanitize and release, unless told; or static
	@mkdir -p build
	$(call install_packages,$(TEST_PACKAGES))
	@$(MAKE) --no-print-directory all $(PEERS:%=build/peers/%/unpacked) \
		$(DEBS:%=build/debs/%.deb) deb build/session-driver build/sanitize/session-driver \
		$(PROGRAMS:%=build/static/%) build/attack/smtp-handler build/drill/inject $(PROGRAMS:%=build/sanitize/%)
	@test/run

valgrind: ## run the tests under valgrind, where they are not about time or memory
	@mkdir -p build
	$(call install_packages,$(VALGRIND_PACKAGES))
	@$(MAKE) --no-print-directory all build/static/smtp-handler build/session-driver \
		$(PEERS:%=build/peers/%/unpacked)
	@test/valgrind

drill: ## let system calls fail, kill processes, send what no good client does, and count
	@mkdir -p build
	$(call install_packages,$(TEST_PACKAGES))
	@$(MAKE) --no-print-directory all build/drill/inject build/peers/postfix/unpacked
	@test/drill/run

check-systemd: ## prove the units under systemd, a disposable one or else the one that runs here
	@mkdir -p build
	$(call install_packages,$(TEST_PACKAGES))
	@$(MAKE) --no-print-directory all $(DEBS:%=build/debs/%.deb) deb
	@test/check-systemd here

# The builds that are there of those named NAME=FILE.
HANDLERS = ordinary=smtp-handler static=build/static/smtp-handler

bench: ## measure smtp-handler beside its peers and the least that there can be, and draw it
	@mkdir -p build
	$(call install_packages,$(BENCH_PACKAGES))
	@$(MAKE) --no-print-directory all $(PROGRAMS:%=build/static/%) $(BENCH) \
		$(BENCH_PEERS:%=build/peers/%/unpacked)
	@HANDLERS='$(HANDLERS)' test/bench/run

bench-connections: ## measure connections a second of the ways to listen, side by side
	@mkdir -p build
	$(call install_packages,$(BENCH_PACKAGES))
	@$(MAKE) --no-print-directory all $(BENCH) build/peers/xinetd/unpacked
	@test/bench/run-connections

fuzz: ## run each fuzzer for SECONDS, 60 unless told
	@mkdir -p build
	$(call install_packages,$(FUZZ_PACKAGES))
	@$(MAKE) --no-print-directory -s -j2 $(FUZZERS:%=fuzz-%)

lint: ## look for faults with clang-format, clang-tidy, cppcheck, shellcheck, mandoc
	@mkdir -p build
	$(call install_packages,$(LINT_PACKAGES))
	@$(MAKE) --no-print-directory -s build/release/handler/filter.inc
	.ci/lint

# Files that name others name those that are installed.
CONFIG = $(DESTDIR)$(sysconfdir)/smtp-handler.conf
PLACED = sed 's:/usr/local/sbin:$(sbindir):g; s:/usr/local/libexec/smtp-handler:$(libexecdir):g; \
	s:/usr/local/share/doc/smtp-handler:$(docdir):g; s:/usr/local/lib/systemd/system:$(unitdir):g; \
	s:/etc/smtp-handler:$(sysconfdir)/smtp-handler:g'

# The services of one connection are alike but for what they speak.
service = sed 's:SMTP connection:$(1) connection:; s:ExecStart=/[^ ]*:&$(2):' smtp-handler@.service

# Below $(DESTDIR) is somebody's package; who builds one brings what that takes.
install: ## install, under $(prefix) and below $(DESTDIR)
	@mkdir -p build
	$(if $(DESTDIR),,$(call install_packages,$(BUILD_PACKAGES)))
	@$(MAKE) --no-print-directory all
	install -d $(DESTDIR)$(sysconfdir) $(DESTDIR)$(sbindir) $(DESTDIR)$(libexecdir) \
		$(DESTDIR)$(mandir)/man8 $(DESTDIR)$(docdir)/handler $(DESTDIR)$(docdir)/test/bench \
		$(DESTDIR)$(unitdir) $(DESTDIR)$(catalogdir)
	install smtp-handler $(DESTDIR)$(sbindir)
	install $(HELPERS:%=helpers/%) $(DESTDIR)$(libexecdir)
	for file in $(UNITS); do $(PLACED) units/$$file >$(DESTDIR)$(unitdir)/$$file || exit; done
	$(PLACED) smtp-handler.8 >$(DESTDIR)$(mandir)/man8/smtp-handler.8
	test -e $(CONFIG) || { $(PLACED) units/smtp-handler.conf >$(CONFIG) && chmod 644 $(CONFIG); }
	install -m 644 handler/message-path.svg $(DESTDIR)$(docdir)/handler
	install -m 644 test/bench/*.svg $(DESTDIR)$(docdir)/test/bench
	for file in $(EXAMPLES); do $(PLACED) units/$$file >$(DESTDIR)$(docdir)/$$file || exit; done
	chmod 644 $(DESTDIR)$(mandir)/man8/smtp-handler.8 $(UNITS:%=$(DESTDIR)$(unitdir)/%) \
		$(EXAMPLES:%=$(DESTDIR)$(docdir)/%)
	chmod 755 $(DESTDIR)$(docdir)/tcpserver-run
	$(PLACED) README.md >$(DESTDIR)$(docdir)/README.md && chmod 644 $(DESTDIR)$(docdir)/README.md
	install -m 644 LICENSE $(DESTDIR)$(docdir)
	install -m 644 units/smtp-handler.catalog $(DESTDIR)$(catalogdir)
	cd units && { $(call service,Submission); cat submission.conf; } | $(PLACED) \
		>$(DESTDIR)$(unitdir)/submission@.service
	cd $(DESTDIR)$(unitdir) && ln -sf smtp-handler@.service smtp@.service && \
		$(call service,LMTP, --lmtp) >lmtp@.service && \
		sed 's:--tls required:--tls implicit:' submission@.service >submissions@.service && \
		sed 's:ListenStream=587:ListenStream=465:; /^# /d' submission.socket >submissions.socket

uninstall: ## remove what install put there, but for a configuration that was changed
	! $(PLACED) units/smtp-handler.conf | cmp -s - $(CONFIG) || rm -f $(CONFIG)
	rm -f $(DESTDIR)$(sbindir)/smtp-handler $(DESTDIR)$(mandir)/man8/smtp-handler.8 \
		$(UNITS:%=$(DESTDIR)$(unitdir)/%) $(MADE_UNITS:%=$(DESTDIR)$(unitdir)/%) \
		$(DESTDIR)$(catalogdir)/smtp-handler.catalog
	rm -rf $(DESTDIR)$(libexecdir) $(DESTDIR)$(docdir)

# In a copy, since the packages come to lie beside the tree. How make was called is not for the make
# in it.
DEB = build/deb/smtp-handler-$(VERSION)

deb: ## build a Debian package, build/deb/smtp-handler_*.deb
	@mkdir -p build
	$(call install_packages,$(DEB_PACKAGES))
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

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 20
