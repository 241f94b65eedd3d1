// SPDX-License-Identifier: Apache-2.0
/**
 * The kernel as seen from Java: libbpf and a few libc calls through jnr-ffi. Imports nothing of
 * ours, and nobody else imports jnr.
 *
 * <p>Network namespaces are a property of the calling thread, so whatever names an interface by its
 * index ({@link io.linuxflow.bpf.TcAttachment}, {@link io.linuxflow.bpf.Links}, {@link
 * io.linuxflow.bpf.LinkMonitor}) is to be called on the thread that entered the namespace.
 *
 * <p>Failures are {@link io.linuxflow.bpf.BpfException}s that say what to do about them; calls in
 * the wrong order are {@link java.lang.IllegalStateException}s.
 */
package io.linuxflow.bpf;
