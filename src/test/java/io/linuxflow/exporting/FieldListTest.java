// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.FieldSpecifier;
import io.linuxflow.ipfix.Template;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FieldListTest {

    private static List<String> templates(String list) {
        return FieldList.parse(list).templates().stream()
                .map(
                        template ->
                                template.id()
                                        + " "
                                        + String.join(
                                                ",",
                                                template.fields().stream()
                                                        .map(FieldSpecifier::toString)
                                                        .toList()))
                .toList();
    }

    @Test
    void everyKindOfFlowGetsTheElementsItHas() {
        assertThat(
                        templates(
                                "sourceIPv4Address,sourceTransportPort,icmpTypeCodeIPv4,"
                                        + "flowLabelIPv6,octetDeltaCount"))
                .containsExactly(
                        "256 sourceIPv4Address,sourceTransportPort,octetDeltaCount",
                        "257 sourceIPv6Address,sourceTransportPort,flowLabelIPv6,octetDeltaCount",
                        "258 sourceIPv4Address,icmpTypeCodeIPv4,octetDeltaCount",
                        "259 sourceIPv6Address,icmpTypeCodeIPv6,flowLabelIPv6,octetDeltaCount");
    }

    @Test
    void anIPv6ElementStandsForItsIPv4CounterpartToo() {
        assertThat(templates("destinationIPv6Address"))
                .containsExactly("256 destinationIPv4Address", "257 destinationIPv6Address");
    }

    @Test
    void bothCounterpartsInTheListAreOneFieldWhereTheFirstStands() {
        assertThat(templates("sourceIPv6Address,ipVersion,sourceIPv4Address"))
                .containsExactly(
                        "256 sourceIPv4Address,ipVersion", "257 sourceIPv6Address,ipVersion");
    }

    @Test
    void flowsWithEqualElementsShareATemplate() {
        assertThat(templates("octetDeltaCount,packetDeltaCount"))
                .containsExactly("256 octetDeltaCount,packetDeltaCount");
    }

    @Test
    void lengthsCanBeChosenWhereReducedSizeEncodingAllowsIt() {
        assertThat(templates("tcpControlBits:1,octetDeltaCount:4,packetDeltaCount:8"))
                .containsExactly("256 tcpControlBits:1,octetDeltaCount:4,packetDeltaCount");
        assertThat(templates("tcpControlBits")).containsExactly("256 tcpControlBits");
        assertThat(FieldList.parse("tcpControlBits").templates().get(0).minimumRecordLength())
                .isEqualTo(2);
    }

    @Test
    void theFieldListOfTheGoProjectsReadmeIsAccepted() {
        assertThat(
                        templates(
                                "FlowEndMilliseconds, FlowStartMilliseconds, OctetDeltaCount,\n"
                                        + " PacketDeltaCount, IpVersion, FlowDirection,"
                                        + " SourceIPv4Address, DestinationIPv4Address"))
                .first()
                .isEqualTo(
                        "256 flowEndMilliseconds,flowStartMilliseconds,octetDeltaCount,"
                                + "packetDeltaCount,ipVersion,flowDirection,sourceIPv4Address,"
                                + "destinationIPv4Address");
    }

    @Test
    void textsAreOfVariableLengthUnlessANumberAsksForAFixedOne() {
        assertThat(templates("interfaceName,interfaceDescription:16"))
                .containsExactly("256 interfaceName,interfaceDescription:16");
        FieldSpecifier name = FieldList.parse("interfaceName").templates().get(0).fields().get(0);
        assertThat(name.isVariableLength()).isTrue();
    }

    @Test
    void anInterfaceTwiceIsIngressAndThenEgress() {
        FieldList list =
                FieldList.parse("interfaceName,ipVersion,InterfaceName:8,interfaceDescription");
        assertThat(list)
                .hasToString("interfaceName,ipVersion,interfaceName:8,interfaceDescription");
        assertThat(list.columns())
                .extracting(ColumnSource::name)
                .containsExactly(
                        "ingressInterfaceName", "egressInterfaceName", "interfaceDescription");
    }

    @Test
    void elementsOfOnesOwnAreFieldsLikeOthers() {
        EnterpriseElements own =
                EnterpriseElements.parse("matchedRule/1=mark,sourceName/2=sourceHostName", 28972);
        FieldList list =
                FieldList.parse(
                        "ipVersion,MatchedRule:2,sourceName", own, TemplateIds.parse("1001"));
        assertThat(list).hasToString("ipVersion,matchedRule:2,sourceName");
        assertThat(list.templates()).extracting(Template::id).containsExactly(1001);
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FieldList.parse("matchdRule", own, TemplateIds.DEFAULT))
                .withMessageContaining("no such field; the nearest are matchedRule");
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> FieldList.parse("matchedRule,matchedRule", own, TemplateIds.DEFAULT))
                .withMessageContaining("matchedRule is in the field list twice");
    }

    @Test
    void aHookCanFillAnyElementThatAColumnCanHold() throws Exception {
        FieldList list =
                FieldList.parse(
                        "ipVersion,column:applicationName,column:ApplicationCategoryName:8,"
                                + "column:exporterIPv4Address");
        assertThat(list)
                .hasToString(
                        "ipVersion,column:applicationName,column:applicationCategoryName:8,"
                                + "column:exporterIPv4Address");
        assertThat(FieldList.parse(list.toString()).templates()).isEqualTo(list.templates());
        FlowBatch batch = new Flows().flow("192.0.2.1", "192.0.2.2", Flows.TCP).batch();
        batch = Enriched.text(batch, "applicationName", "quic");
        assertThat(Exported.records(list.toString(), batch))
                .extracting(DataRecord::toString)
                .containsExactly(
                        "ipVersion=4 applicationName=quic applicationCategoryName="
                                + " exporterIPv4Address=0.0.0.0");
    }

    @Test
    void theListAsTextGivesTheSameTemplates() {
        String text = FieldList.parse("TcpControlBits:1, octetDeltaCount:8").toString();
        assertThat(text).isEqualTo("tcpControlBits:1,octetDeltaCount");
        assertThat(FieldList.DEFAULT.toString()).isEqualTo(FieldList.DEFAULT_ELEMENTS);
    }

    @Test
    void theDefaultHasATemplateForEachKind() {
        assertThat(FieldList.DEFAULT.templates())
                .extracting(Template::id)
                .containsExactly(256, 257, 258, 259);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '"',
            value = {
                "octetDeltaCnt | can't export 'octetDeltaCnt': no such field; the nearest are"
                        + " octetDeltaCount, packetDeltaCount",
                "sourceMacAddress | can't export 'sourceMacAddress': no such field; the nearest are"
                        + " sourceIPv4Address, sourceIPv6Address",
                "applicationName | no such field; the nearest are",
                "applicationName | if a hook adds it, write column:applicationName",
                "column:site:8 | can't export 'column:site': IANA has no element of that name; make"
                        + " one of your own, site/ID=column:site",
                "column:vlanId | can't export 'column:vlanId': it is there without a hook, as"
                        + " vlanId",
                "column:sourceMacAddress | columns are numbers, addresses and texts, and"
                        + " sourceMacAddress is macAddress",
                "ipVersion,octetDeltaCount:9 | can't export octetDeltaCount in '9' octets: possible"
                        + " is 4 to 8",
                "octetDeltaCount:x | can't export octetDeltaCount in 'x' octets",
                "octetDeltaCount: | can't export octetDeltaCount in '' octets",
                "vlanId:1 | can't export vlanId in '1' octets: possible is 2",
                "vlanId,VlanId | vlanId is in the field list twice",
                "interfaceName,interfaceName,interfaceName | interfaceName is in the field list 3"
                        + " times: it can be there once, or twice, for ingress and egress",
                "column:applicationName,column:applicationName | applicationName is in the field"
                        + " list twice",
                "interfaceName:0 | can't export interfaceName in '0' octets: possible is 1 to"
                        + " 65534",
                "bgpSourceAsNumber:2 | can't export bgpSourceAsNumber in '2' octets: possible is 4",
                "vlanId,,ipVersion | empty item in the field list vlanId,,ipVersion",
                "vlanId, | empty item in the field list",
                "\"\" | the field list is empty: name the elements to export",
                "flowLabelIPv6 | leaves nothing to export for IPv4 flows: add an element",
                "sourceTransportPort | leaves nothing to export for ICMPv4 flows: add an element",
            })
    void badListsAreRefusedWithTheItemAndTheRemedy(String list, String error) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FieldList.parse(list))
                .withMessageContaining(error);
    }
}
