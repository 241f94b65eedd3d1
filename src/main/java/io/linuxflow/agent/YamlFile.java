// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import io.linuxflow.exporting.Nearest;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;

/**
 * A YAML file whose every value knows its line. What is wrong with it is gathered while it is read,
 * so that the user sees all of it at once.
 */
final class YamlFile {

    private record Problem(int line, String text) {}

    private final Path path;
    private final List<Problem> problems = new ArrayList<>();
    private final Value root;

    /**
     * @throws ConfigException if the file can't be read or is no YAML
     */
    YamlFile(Path path) {
        this.path = path;
        root = new Value("", compose(), 1);
    }

    private Node compose() {
        try {
            return new Compose(LoadSettings.builder().setLabel(path.toString()).build())
                    .composeString(Files.readString(path))
                    .orElse(null);
        } catch (NoSuchFileException e) {
            throw new ConfigException(List.of(path + ": there is no such file"));
        } catch (CharacterCodingException e) {
            throw new ConfigException(List.of(path + ": is no text in UTF-8"));
        } catch (IOException e) {
            throw new ConfigException(List.of(path + ": can't be read: " + e.getMessage()));
        } catch (MarkedYamlEngineException e) {
            int line = e.getProblemMark().or(e::getContextMark).map(Mark::getLine).orElse(0) + 1;
            throw new ConfigException(List.of(path + ":" + line + ": no YAML: " + e.getProblem()));
        } catch (YamlEngineException e) {
            throw new ConfigException(List.of(path + ": no YAML: " + e.getMessage()));
        }
    }

    Value root() {
        return root;
    }

    /** The line of the file, for messages: {@code config.yaml:12}. */
    String at(int line) {
        return path + ":" + line;
    }

    /**
     * @throws ConfigException if anything is wrong
     */
    void check() {
        if (!problems.isEmpty()) {
            throw new ConfigException(
                    problems.stream()
                            .sorted(Comparator.comparingInt(Problem::line))
                            .map(problem -> at(problem.line) + ": " + problem.text)
                            .distinct()
                            .toList());
        }
    }

    /** A value in the file; what is asked of it and not so becomes a problem of the file. */
    final class Value {
        private final String name;
        private final Node node;
        private final int line;

        private Value(String name, Node node, int line) {
            this.name = name;
            this.node = node;
            this.line = line;
        }

        int line() {
            return line;
        }

        void problem(String text) {
            problems.add(new Problem(line, name.isEmpty() ? text : name + ": " + text));
        }

        boolean isScalar() {
            return node instanceof ScalarNode;
        }

        boolean isList() {
            return node instanceof SequenceNode;
        }

        /** The members of a mapping; none, if it is something else. */
        Map<String, Value> members() {
            Map<String, Value> members = new LinkedHashMap<>();
            if (node == null || node.getTag().equals(Tag.NULL)) {
                problem("is empty");
            } else if (node instanceof MappingNode mapping) {
                for (NodeTuple tuple : mapping.getValue()) {
                    Node keyNode = tuple.getKeyNode();
                    String key = keyNode instanceof ScalarNode s ? s.getValue() : "?";
                    Value member =
                            new Value(
                                    name.isEmpty() ? key : name + "." + key,
                                    tuple.getValueNode(),
                                    keyNode.getStartMark().map(Mark::getLine).orElse(0) + 1);
                    Value before = members.putIfAbsent(key, member);
                    if (before != null) {
                        member.problem("is there already, in line " + before.line);
                    }
                }
            } else {
                problem("has to be a mapping, of keys with values");
            }
            return members;
        }

        /** The members of a mapping that may have these keys and no others. */
        Map<String, Value> members(List<String> known) {
            Map<String, Value> members = members();
            members.forEach(
                    (key, member) -> {
                        if (!known.contains(key)) {
                            member.problem(
                                    "unknown key; "
                                            + Nearest.likely(key, known.stream())
                                                    .map(like -> "did you mean " + like + "?")
                                                    .orElse(
                                                            "possible are "
                                                                    + String.join(", ", known)));
                        }
                    });
            return members;
        }

        /** The items of a list; none, if it is something else. An empty value is an empty list. */
        List<Value> items() {
            List<Value> items = new ArrayList<>();
            if (node instanceof SequenceNode sequence) {
                for (Node item : sequence.getValue()) {
                    items.add(
                            new Value(
                                    name + "[" + items.size() + "]",
                                    item,
                                    item.getStartMark().map(Mark::getLine).orElse(0) + 1));
                }
            } else if (!node.getTag().equals(Tag.NULL)) {
                problem("has to be a list, of items that begin with -");
            }
            return items;
        }

        /** The text of a scalar, however it is written. */
        Optional<String> text() {
            if (node instanceof ScalarNode scalar && !scalar.getTag().equals(Tag.NULL)) {
                if (!scalar.getValue().isBlank()) {
                    return Optional.of(scalar.getValue());
                }
            }
            problem(node instanceof ScalarNode ? "is empty" : "has to be text");
            return Optional.empty();
        }

        /** A whole number in a range. */
        Optional<Integer> number(int least, int most) {
            Optional<Integer> number =
                    Stream.of(node)
                            .filter(ScalarNode.class::isInstance)
                            .map(scalar -> ((ScalarNode) scalar).getValue())
                            .filter(text -> text.matches("-?[0-9]{1,9}"))
                            .map(Integer::valueOf)
                            .filter(value -> value >= least && value <= most)
                            .findFirst();
            if (number.isEmpty()) {
                problem(
                        (node instanceof ScalarNode scalar && !scalar.getValue().isEmpty()
                                        ? scalar.getValue() + ": "
                                        : "")
                                + "has to be a number, "
                                + least
                                + " to "
                                + most);
            }
            return number;
        }
    }
}
