// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.json.FlowReader;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** One run of a hook's program. */
final class HookProcess {

    /** How much a program may return: so much and so much for each flow that it was given. */
    private static final long MAX_OCTETS = 1 << 20;

    private static final long MAX_OCTETS_PER_FLOW = 4096;

    /** How long its standard error may take to end after it. */
    private static final Duration LAST_WORDS = Duration.ofMillis(500);

    /** Its three streams are worked on at the same time, so that none of them blocks another. */
    private static final ExecutorService THREADS =
            Executors.newCachedThreadPool(
                    task -> {
                        Thread thread = new Thread(task, "flow-hook");
                        thread.setDaemon(true);
                        return thread;
                    });

    private final Process process;
    private final Duration timeout;
    private final long deadline;
    private final LastLines errors = new LastLines();

    private HookProcess(Process process, Duration timeout) {
        this.process = process;
        this.timeout = timeout;
        deadline = System.nanoTime() + timeout.toNanos();
    }

    /**
     * Gives the flows to the program and returns what comes back.
     *
     * @param flows the flows
     * @param count how many they are
     * @param timeout after which the program is killed
     * @throws HookException if it fails
     * @throws InterruptedException after it has been killed because the thread was interrupted
     */
    static FlowReader.Result run(HookProgram program, FlowReader flows, int count, Duration timeout)
            throws HookException, InterruptedException {
        try (program) {
            Process process = new ProcessBuilder(program.command()).start();
            return new HookProcess(process, timeout).exchange(flows, count);
        } catch (IOException e) {
            throw new HookException("it can't be started: " + e.getMessage());
        }
    }

    private FlowReader.Result exchange(FlowReader flows, int count)
            throws HookException, InterruptedException {
        boolean ended = false;
        try {
            THREADS.submit(() -> write(flows));
            Future<?> lastWords = THREADS.submit(() -> errors.read(process.getErrorStream()));
            Future<FlowReader.Result> returned = THREADS.submit(reading(flows, count));
            FlowReader.Result result = null;
            Throwable wrong = null;
            try {
                result = returned.get(remaining(), TimeUnit.NANOSECONDS);
            } catch (ExecutionException e) {
                wrong = e.getCause();
            }
            if (!process.waitFor(remaining(), TimeUnit.NANOSECONDS)) {
                throw new TimeoutException();
            }
            ended = true;
            await(lastWords);
            if (process.exitValue() != 0) {
                throw failure("it ended with status " + process.exitValue());
            }
            if (wrong != null) {
                throw failure(
                        "what it returned is wrong: "
                                + (wrong instanceof IOException ? wrong.getMessage() : wrong));
            }
            return result;
        } catch (TimeoutException e) {
            throw failure("it did not end within " + timeout.toMillis() + " ms and was killed");
        } finally {
            if (!ended) {
                kill();
            }
        }
    }

    private long remaining() {
        return Math.max(0, deadline - System.nanoTime());
    }

    /** A program may end without having read everything; what it returns counts. */
    private Void write(FlowReader flows) {
        try (OutputStream in = process.getOutputStream()) {
            flows.write(in);
        } catch (IOException e) {
            // Broken pipe.
        }
        return null;
    }

    private Callable<FlowReader.Result> reading(FlowReader flows, int count) {
        long max = MAX_OCTETS + count * MAX_OCTETS_PER_FLOW;
        return () -> {
            InputStream out = process.getInputStream();
            try {
                return flows.read(new Limited(out, max));
            } finally {
                // A program that can go on writing ends, and its status says what was wrong.
                out.transferTo(OutputStream.nullOutputStream());
            }
        };
    }

    private static void await(Future<?> lastWords) throws InterruptedException {
        try {
            lastWords.get(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException | TimeoutException e) {
            // Then those that are there will do.
        }
    }

    private HookException failure(String what) {
        String lines = errors.toString();
        return new HookException(lines.isEmpty() ? what : what + "; it wrote: " + lines);
    }

    private void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        try {
            // Children whose parent has ended are no descendants any more, but of its session.
            new ProcessBuilder("/bin/sh", "-c", "kill -KILL -" + process.pid())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            // Then there is no shell that could have started any.
        }
    }

    /** Fails when the stream is too long; leaves closing it to others. */
    private static final class Limited extends FilterInputStream {
        private final long max;
        private long left;

        Limited(InputStream in, long max) {
            super(in);
            this.max = max;
            left = max;
        }

        @Override
        public int read() throws IOException {
            int octet = in.read();
            count(octet < 0 ? 0 : 1);
            return octet;
        }

        @Override
        public int read(byte[] octets, int from, int length) throws IOException {
            int read = in.read(octets, from, length);
            count(read);
            return read;
        }

        @Override
        public void close() {
            // What is left of it is still to be read.
        }

        private void count(int read) throws IOException {
            left -= Math.max(0, read);
            if (left < 0) {
                throw new IOException("it is more than " + max + " octets");
            }
        }
    }
}
