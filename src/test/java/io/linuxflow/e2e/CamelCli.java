// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * The Camel CLI, run by {@code ./camelw} in the repository as a user would.
 *
 * <pre>{@code
 * try (CamelCli camel = CamelCli.command("run", "routes/*.yaml").property("drain.interval", "1s").start()) {
 *     camel.awaitStarted();
 * }
 * }</pre>
 */
final class CamelCli implements AutoCloseable {

    /** The repository, where Maven runs tests. */
    static final Path REPOSITORY = Path.of("").toAbsolutePath();

    private static final Duration START = Duration.ofSeconds(60);
    private static final Duration STOP = Duration.ofSeconds(60);

    private final Process process;
    private final List<String> output = new ArrayList<>();
    private final Thread reader;

    private CamelCli(Process process) {
        this.process = process;
        reader = new Thread(this::read, "camel output");
        reader.setDaemon(true);
        reader.start();
    }

    /** What is to be run, before it is. */
    static final class Command {
        private final List<String> arguments;
        private final Map<String, String> environment = new TreeMap<>();
        private final String program;
        private List<String> prefix = List.of();
        private Path directory = REPOSITORY;

        private Command(String program, List<String> arguments) {
            this.program = program;
            this.arguments = new ArrayList<>(arguments);
        }

        Command property(String name, Object value) {
            arguments.add("--property=" + name + "=" + value);
            return this;
        }

        Command environment(String name, String value) {
            environment.put(name, value);
            return this;
        }

        Command arguments(String... more) {
            arguments.addAll(List.of(more));
            return this;
        }

        /** In a network namespace; not called, in that of the tests. */
        Command in(String namespace) {
            return by("ip", "netns", "exec", namespace);
        }

        /** By another command, one that is given this one. */
        Command by(String... command) {
            prefix = List.of(command);
            return this;
        }

        Command directory(Path value) {
            directory = value;
            return this;
        }

        CamelCli start() {
            List<String> command = new ArrayList<>(prefix);
            command.add(program);
            command.addAll(arguments);
            ProcessBuilder builder =
                    new ProcessBuilder(command)
                            .directory(directory.toFile())
                            .redirectErrorStream(true);
            builder.environment().putAll(environment);
            try {
                return new CamelCli(builder.start());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    /** {@code camelw} with these arguments. */
    static Command command(String... arguments) {
        return of(REPOSITORY.resolve("camelw").toString(), arguments);
    }

    /** Another program that runs Camel, with these arguments. */
    static Command of(String program, String... arguments) {
        return new Command(program, List.of(arguments));
    }

    /** {@code camelw run} with route files, without colours. */
    static Command run(String... routes) {
        return command("run").arguments("--logging-color=false").arguments(routes);
    }

    /** {@code camelw run routes/*.yaml}, expanded as a shell does. */
    static Command runRoutes() {
        try (Stream<Path> files = Files.list(REPOSITORY.resolve("routes"))) {
            return run(
                    files.map(file -> "routes/" + file.getFileName())
                            .filter(file -> file.endsWith(".yaml"))
                            .sorted()
                            .toArray(String[]::new));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(
                        new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            for (String line; (line = lines.readLine()) != null; ) {
                synchronized (output) {
                    output.add(line);
                }
            }
        } catch (IOException e) {
            // The process has ended.
        }
    }

    /** What it has written so far, errors included. */
    List<String> output() {
        synchronized (output) {
            return List.copyOf(output);
        }
    }

    long pid() {
        return process.pid();
    }

    /** Waits for the routes to be started. */
    CamelCli awaitStarted() {
        return awaitLine(line -> line.matches(".*Apache Camel .* started in .*"));
    }

    /** Waits until the interface is metered in this direction. */
    CamelCli awaitMetered(String name, String direction) {
        return awaitLine(line -> line.contains(" " + name + " is metered at " + direction));
    }

    /** Waits for a line of output. */
    CamelCli awaitLine(Predicate<String> wanted) {
        try {
            await().atMost(START)
                    .pollInterval(Duration.ofMillis(50))
                    .until(() -> !process.isAlive() || output().stream().anyMatch(wanted));
        } catch (RuntimeException e) {
            throw new AssertionError("no such line:\n" + String.join("\n", output()), e);
        }
        if (output().stream().noneMatch(wanted)) {
            throw new AssertionError("it ended:\n" + String.join("\n", output()));
        }
        return this;
    }

    /**
     * Sends SIGTERM, once the CLI waits for it: a signal that comes while it is still starting has
     * Camel 4.17 wait in vain for itself, and kill the process in the end.
     */
    int stop() {
        await().atMost(START)
                .until(
                        () ->
                                !process.isAlive()
                                        || Shell.result(
                                                        "jcmd",
                                                        String.valueOf(process.pid()),
                                                        "Thread.print")
                                                .output()
                                                .contains("MainShutdownStrategy.await"));
        // Process.destroy would close its output too.
        process.toHandle().destroy();
        return awaitEnd();
    }

    /** Sends SIGKILL. */
    void kill() {
        process.destroyForcibly();
        awaitEnd();
    }

    /** Waits for it to end by itself and returns its exit status. */
    int awaitEnd() {
        try {
            if (!process.waitFor(STOP.toSeconds(), TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("it does not end:\n" + String.join("\n", output()));
            }
            reader.join(STOP.toMillis());
            return process.exitValue();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            stop();
        }
    }
}
