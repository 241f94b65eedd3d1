// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** A program that runs in a network namespace until it is stopped. */
final class Program implements AutoCloseable {

    private static final long STOP_SECONDS = 20;

    private final Path log;
    private final Process process;

    /**
     * Starts it and waits until it is ready.
     *
     * @param log for what it writes, errors included
     * @param ready what of it says so
     */
    Program(String namespace, Path log, Predicate<String> ready, String... command) {
        this.log = log;
        try {
            ProcessBuilder builder =
                    new ProcessBuilder(Shell.inNamespace(namespace, command))
                            .redirectErrorStream(true)
                            .redirectOutput(log.toFile());
            builder.environment().put("TZ", "UTC");
            process = builder.start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        try {
            await().until(() -> ready.test(output()) || !process.isAlive());
        } catch (RuntimeException e) {
            close();
            throw new AssertionError(String.join(" ", command) + " is not ready: " + output(), e);
        }
        if (!process.isAlive()) {
            throw new AssertionError(String.join(" ", command) + ": " + output());
        }
    }

    /** What it has written so far. */
    String output() {
        try {
            return Files.readString(log, StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Sends SIGINT, which all of them take as the end, and waits for it. */
    void stop() {
        Shell.run("kill", "-INT", String.valueOf(process.pid()));
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("it does not end: " + output());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        process.destroyForcibly();
    }
}
