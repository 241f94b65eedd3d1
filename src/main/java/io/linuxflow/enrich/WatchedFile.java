// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a file holds, read again by a thread in the background when the file has changed; meanwhile,
 * and if it can't be read, what was read before stays.
 *
 * @param <T> what it holds
 */
final class WatchedFile<T> {

    private static final Logger LOG = LoggerFactory.getLogger(WatchedFile.class);

    /** Reads a file. */
    interface Loader<T> {
        /**
         * @throws IOException naming what can't be read, and why
         */
        T load(Path file) throws IOException;
    }

    /** What tells a file from another of that name; null if there is none. */
    private record State(Object key, long modified, long size) {
        static State of(Path file) throws IOException {
            try {
                BasicFileAttributes attributes =
                        Files.readAttributes(file, BasicFileAttributes.class);
                return new State(
                        attributes.fileKey(),
                        attributes.lastModifiedTime().toMillis(),
                        attributes.size());
            } catch (NoSuchFileException e) {
                return null;
            }
        }
    }

    private final Path file;
    private final Loader<T> loader;
    private final long interval;
    private final AtomicLong nextLook;
    private volatile T content;
    private volatile long modified;
    private volatile long failures;

    /** What was read last, or could not be. Of whoever looks. */
    private volatile State read;

    /** What was there at the last look. */
    private State seen;

    /**
     * Reads the file.
     *
     * @param interval how often to look whether it has changed
     * @throws IllegalArgumentException naming what can't be read, and why
     */
    WatchedFile(Path file, Loader<T> loader, Duration interval) {
        this.file = file;
        this.loader = loader;
        this.interval = interval.toNanos();
        try {
            read = State.of(file);
            if (read == null) {
                throw new IllegalArgumentException("there is no file " + file);
            }
            content = loader.load(file);
            modified = read.modified;
        } catch (IOException e) {
            throw new IllegalArgumentException(reason(e), e);
        }
        seen = read;
        nextLook = new AtomicLong(System.nanoTime() + this.interval);
    }

    /** What it held when it was last read; most often this is all that happens. */
    T content() {
        long due = nextLook.get();
        long now = System.nanoTime();
        if (now - due >= 0 && nextLook.compareAndSet(due, now + interval)) {
            look();
        }
        return content;
    }

    /** A file that has changed since the last look may be half written: wait for the next one. */
    private synchronized void look() {
        State state;
        try {
            state = State.of(file);
        } catch (IOException e) {
            failed(reason(e));
            return;
        }
        boolean settled = state == null ? seen == null : state.equals(seen);
        seen = state;
        boolean known = state == null ? read == null : state.equals(read);
        if (!settled || known) {
            return;
        }
        read = state;
        if (state == null) {
            failed("there is no file " + file);
        } else {
            Thread thread = new Thread(() -> load(state), "reads " + file.getFileName());
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void load(State state) {
        try {
            T loaded = loader.load(file);
            synchronized (this) {
                if (state != read) {
                    return; // It has changed again, and whoever reads that may have been faster.
                }
                content = loaded;
                modified = state.modified;
            }
            LOG.info("{} has changed and was read again", file);
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
            failed(reason(e));
        }
    }

    private void failed(String reason) {
        failures++;
        LOG.warn("What was read before stays: {}", reason);
    }

    private String reason(Throwable e) {
        String message = e.getMessage() == null ? e.toString() : e.getMessage();
        return message.contains(file.toString()) ? message : file + ": " + message;
    }

    /** Milliseconds since 1970 UTC at which that was written which was read. */
    long modified() {
        return modified;
    }

    /** How often it was there, or not, and could not be read. */
    long failures() {
        return failures;
    }
}
