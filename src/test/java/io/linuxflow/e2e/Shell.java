// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs commands to their end. */
final class Shell {

    private static final long TIMEOUT_SECONDS = 60;

    private Shell() {}

    /**
     * What the command wrote, errors included.
     *
     * @throws AssertionError with that text if it ends with anything but 0, or not within a minute
     */
    static String run(String... command) {
        Result result = result(command);
        if (result.status() != 0) {
            throw new AssertionError(String.join(" ", command) + ": " + result.output());
        }
        return result.output();
    }

    /** {@link #run} in a network namespace. */
    static String in(String namespace, String... command) {
        return run(inNamespace(namespace, command));
    }

    /** The command that runs this one in a network namespace. */
    static String[] inNamespace(String namespace, String... command) {
        List<String> whole = new ArrayList<>(List.of("ip", "netns", "exec", namespace));
        whole.addAll(List.of(command));
        return whole.toArray(String[]::new);
    }

    /**
     * @param status what it ended with
     * @param output what it wrote, errors included
     */
    record Result(int status, String output) {}

    /** How the command ended and what it wrote. */
    static Result result(String... command) {
        Path output = null;
        try {
            output = Files.createTempFile("shell", ".out");
            Process process =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(output.toFile())
                            .start();
            if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError(String.join(" ", command) + " does not end");
            }
            return new Result(
                    process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(
                    String.join(" ", command) + ": is it installed? misc/install-test-tools.sh", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("interrupted", e);
        } finally {
            delete(output);
        }
    }

    private static void delete(Path file) {
        try {
            if (file != null) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
