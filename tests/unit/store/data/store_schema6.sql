-- The store of tests/unit/store/schema6.py, made by the code of commit 113fcdc (schema 6), as SQL.
BEGIN TRANSACTION;
CREATE TABLE answer_equalities (
    version TEXT NOT NULL,
    one TEXT NOT NULL,
    other TEXT NOT NULL,
    equal INTEGER NOT NULL CHECK (equal IN (0, 1)),
    created_at REAL NOT NULL,
    PRIMARY KEY (version, one, other)
) WITHOUT ROWID;
INSERT INTO "answer_equalities" VALUES('0.9','2sqrt(3)','sqrt(12)',1,1.79600514029006719587e+09);
CREATE TABLE candidates (
    spec_id TEXT NOT NULL REFERENCES specs (id),
    problem_id TEXT NOT NULL REFERENCES problems (id),
    rank INTEGER NOT NULL CHECK (rank >= 0),
    text_id TEXT NOT NULL REFERENCES texts (id),
    error TEXT,
    finish TEXT NOT NULL,
    tokens INTEGER,
    seconds REAL,
    created_at REAL NOT NULL, prompt_tokens INTEGER, completion_tokens INTEGER,
    PRIMARY KEY (spec_id, problem_id, rank)
) WITHOUT ROWID;
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id0',0,'c629be8cca72a142eb6f81f75758fc44',NULL,'stop',5,NULL,1.79600514010638737678e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id0',1,'1c8648c4997eb93e373196a7df7fecf5',NULL,'stop',5,NULL,1.79600514010638737678e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id0',2,'839f62fcc4b008db8ac985370b1453fd',NULL,'stop',5,NULL,1.79600514010638737678e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id0',3,'d59d877a07d9e2aee3adcda079d0b1e2',NULL,'stop',5,NULL,1.79600514010638737678e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id1',0,'1bac6d6f7093296113ade5288ed8f504',NULL,'stop',5,NULL,1.79600514015383887289e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id1',1,'d7f6b40f947656a1de568cd8b13a2423',NULL,'stop',5,NULL,1.79600514015383887289e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id1',2,'b581179d462fbadb524c9752902c68e1',NULL,'stop',5,NULL,1.79600514015383887289e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id1',3,'90ecde246f3c571c7eb196f56a7e3246',NULL,'stop',5,NULL,1.79600514015383887289e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id10',0,'b36cc06a3f623b2ff461ad54a2603726',NULL,'stop',5,NULL,1.79600514026738381388e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id10',1,'da48fbe3a537be574312cbd6d00f1a92',NULL,'stop',5,NULL,1.79600514026738381388e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id10',2,'1ef9360e6913ff43f2bab0f00fed2ef2',NULL,'stop',5,NULL,1.79600514026738381388e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id10',3,'542b8bfd72f14c8a19e97c50e086f108',NULL,'stop',5,NULL,1.79600514026738381388e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id11',0,'66c8b6d99ae953cd01320021968021e3',NULL,'stop',5,NULL,1.79600514027821063999e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id11',1,'247782f3f0925180847adafa1f3525f8',NULL,'stop',5,NULL,1.79600514027821063999e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id11',2,'4ab0d1f1c8b25ab6f2a1ed469bebaba9',NULL,'stop',5,NULL,1.79600514027821063999e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id11',3,'c248578d97e119f4f0607accc1362009',NULL,'stop',5,NULL,1.79600514027821063999e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id2',0,'41cae2c853ded22672e734b0d9728979',NULL,'stop',5,NULL,1.79600514019415950775e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id2',1,'b499af3fd8a20b01f1d60578bb8cad1e',NULL,'stop',5,NULL,1.79600514019415950775e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id2',2,'f5b1d642bc1fd7090e1cb7f0cc121b7f',NULL,'stop',5,NULL,1.79600514019415950775e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id2',3,'e3b0c44298fc1c149afbf4c8996fb924','HTTP 500','',NULL,NULL,1.79600514019415950775e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id3',0,'50c9ed16b980142c57f7499a2db695ec',NULL,'stop',5,NULL,1.79600514021784257888e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id3',1,'b0fc8d8fae517b24ce47d9b7de1d9581',NULL,'stop',5,NULL,1.79600514021784257888e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id3',2,'cd8ec28078bce3dc1711bff596b820bb',NULL,'stop',5,NULL,1.79600514021784257888e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id3',3,'4e882ee71b836e6502e3875c39f79cc6',NULL,'stop',5,NULL,1.79600514021784257888e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id4',0,'4ec552d88091cd26b2e3269d02182e90',NULL,'stop',5,NULL,1.79600514023066306114e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id4',1,'fe12ee622fdbb6745bdbf2a0c162e9b3',NULL,'stop',5,NULL,1.79600514023066306114e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id4',2,'d3c47a782186277d4c695aa9a487119a',NULL,'stop',5,NULL,1.79600514023066306114e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id4',3,'3afa8e7dc855915a0d59b1b156827a21',NULL,'stop',5,NULL,1.79600514023066306114e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id5',0,'d6541be4c188143efe2c92ce3a2b494d',NULL,'stop',5,NULL,1.79600514023969364168e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id5',1,'99127e9fe8e10dc667f084f9c78b7538',NULL,'stop',5,NULL,1.79600514023969364168e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id5',2,'611e7f91f0efbe668710f440da151901',NULL,'stop',5,NULL,1.79600514023969364168e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id5',3,'5ac3c4646604599c05cd228c82fd3882',NULL,'stop',5,NULL,1.79600514023969364168e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id6',0,'4131c64e69496024a9fc6bc985fe5a91',NULL,'stop',5,NULL,1.79600514024429655079e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id6',1,'375b653a38b9af7ecfedad2e62fdb3b6',NULL,'stop',5,NULL,1.79600514024429655079e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id6',2,'9a990dcdbc78c561b2baceebb020355c',NULL,'stop',5,NULL,1.79600514024429655079e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id6',3,'e0fcdfa5630a346d19574505675ff395',NULL,'stop',5,NULL,1.79600514024429655079e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id7',0,'00d7fda7fdf221185d698b72489ef11c',NULL,'stop',5,NULL,1.7960051402486712932e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id7',1,'c944c46a90a6d7838602b0b197391c27',NULL,'stop',5,NULL,1.7960051402486712932e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id7',2,'0c5ff07ae8dd74e6b4bcccd845a8c992',NULL,'stop',5,NULL,1.7960051402486712932e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id7',3,'7a439f8d8de572d9198091e0c5267ca5',NULL,'stop',5,NULL,1.7960051402486712932e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id8',0,'e5a19ebc6644ca271ea2d3ac44ea0216',NULL,'stop',5,NULL,1.79600514025229239471e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id8',1,'6857388756ffb645491944abc4c3a6e8',NULL,'stop',5,NULL,1.79600514025229239471e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id8',2,'ea162a240239f8565a8607dd1a2718a6',NULL,'stop',5,NULL,1.79600514025229239471e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id8',3,'9dfb30998793ca8e41cdcc4d2fc456d9',NULL,'stop',5,NULL,1.79600514025229239471e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id9',0,'1a0620640031050a07eb3dfef6004b96',NULL,'stop',5,NULL,1.79600514026170492176e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id9',1,'6d9d04f46b48cecc3a0833f934aa7586',NULL,'stop',5,NULL,1.79600514026170492176e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id9',2,'5ff72b042b69e19bf610d628f076b21b',NULL,'stop',5,NULL,1.79600514026170492176e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('bc761b8b2693d583','id9',3,'48e7e3bca1ccd63d773142d93004bbc1',NULL,'stop',5,NULL,1.79600514026170492176e+09,NULL,NULL);
CREATE TABLE host_figures (
    grading_id TEXT NOT NULL,
    selection TEXT NOT NULL,
    figure REAL NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (grading_id, selection)
) WITHOUT ROWID;
INSERT INTO "host_figures" VALUES('b954df083b95238e','reference answers',100.0,1.79600514029149246212e+09);
CREATE TABLE judge_replies (
    request TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    reply TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (request, attempt)
) WITHOUT ROWID;
INSERT INTO "judge_replies" VALUES('asked',0,'yes',1.79600514029231047631e+09);
CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at REAL NOT NULL
);
INSERT INTO "migrations" VALUES(1,'specs, problems, texts and facts',1.7960051399658534527e+09);
INSERT INTO "migrations" VALUES(2,'replies of judges',1.79600513998201227186e+09);
INSERT INTO "migrations" VALUES(3,'token usage of candidates',1.79600513998901987079e+09);
INSERT INTO "migrations" VALUES(4,'groups of rows and the host''s figures',1.79600514000263237947e+09);
INSERT INTO "migrations" VALUES(5,'seconds of scores and verdicts',1.7960051400228312016e+09);
INSERT INTO "migrations" VALUES(6,'notes, and facts that changed their meaning',1.79600514003486204147e+09);
CREATE TABLE notes (
    position INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    value TEXT NOT NULL CHECK (json_valid(value)),
    created_at REAL NOT NULL,
    UNIQUE (kind, subject, value)
);
INSERT INTO "notes" VALUES(1,'checkpoint','f00','{"revision":null,"source":"x/my-prm"}',1.79600514009379267688e+09);
INSERT INTO "notes" VALUES(2,'versions','64d524f15a184589','"torch 2.15.0"',1.7960051400977094173e+09);
INSERT INTO "notes" VALUES(3,'problems','Bench','["id0","id1","id2","id3","id4","id5","id6","id7","id8","id9","id10","id11"]',1.79600514010564899446e+09);
INSERT INTO "notes" VALUES(4,'scope','bc761b8b2693d583 Bench','{"grade":"auto","grading":{"benchmark":"Bench","host":"1","judge":"exact_matching","prediction":"raw"},"greedy":false,"ks":[1,2,4],"n":4,"origin":{"total":12},"policy":"P","problems":["id0","id1","id2","id3","id4","id5","id6","id7","id8","id9","id10","id11"]}',1.79600514029804039003e+09);
INSERT INTO "notes" VALUES(5,'asked','','{"baseline":null,"greedy":false,"rerankers":[["first",null],["visualprm","visualprm"],["visualorm","visualorm"],["weighted-vote","visualprm"],["oracle",null]],"scorings":{"visualorm":"3068e3fa649d4613","visualprm":"64d524f15a184589"}}',1.79600514043073296549e+09);
CREATE TABLE problems (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    benchmark TEXT NOT NULL,
    row_index TEXT NOT NULL,
    split TEXT NOT NULL,
    parts TEXT NOT NULL,
    answer TEXT NOT NULL,
    choices TEXT NOT NULL,
    created_at REAL NOT NULL
, row_groups TEXT);
INSERT INTO "problems" VALUES(1,'id0','Bench','0','','[["text", "What is 0?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(2,'id1','Bench','1','','[["text", "What is 1?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(3,'id2','Bench','2','','[["text", "What is 2?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(4,'id3','Bench','3','','[["text", "What is 3?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(5,'id4','Bench','4','','[["text", "What is 4?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(6,'id5','Bench','5','','[["text", "What is 5?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(7,'id6','Bench','6','','[["text", "What is 6?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(8,'id7','Bench','7','','[["text", "What is 7?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(9,'id8','Bench','8','','[["text", "What is 8?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(10,'id9','Bench','9','','[["text", "What is 9?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(11,'id10','Bench','10','','[["text", "What is 10?"]]','1','{}',1.79600514010564899446e+09,'{}');
INSERT INTO "problems" VALUES(12,'id11','Bench','11','','[["text", "What is 11?"]]','1','{}',1.79600514010564899446e+09,'{}');
CREATE TABLE scores (
    position INTEGER PRIMARY KEY,
    spec_id TEXT NOT NULL REFERENCES specs (id),
    problem_id TEXT NOT NULL REFERENCES problems (id),
    text_id TEXT NOT NULL REFERENCES texts (id),
    error TEXT,
    step_scores TEXT NOT NULL,
    steps TEXT NOT NULL,
    created_at REAL NOT NULL, seconds REAL,
    UNIQUE (spec_id, problem_id, text_id)
);
INSERT INTO "scores" VALUES(1,'64d524f15a184589','id0','c629be8cca72a142eb6f81f75758fc44',NULL,'[0.0, 0.0]','["Step 0 of 0.", "\\boxed{\\sqrt{12}}"]',1.79600514012640452383e+09,0.25);
INSERT INTO "scores" VALUES(2,'64d524f15a184589','id0','1c8648c4997eb93e373196a7df7fecf5',NULL,'[0.3, 0.3]','["Step 1 of 0.", "\\boxed{2\\sqrt{3}}"]',1.79600514012640452383e+09,0.25);
INSERT INTO "scores" VALUES(3,'64d524f15a184589','id0','839f62fcc4b008db8ac985370b1453fd',NULL,'[0.6, 0.6]','["Step 2 of 0.", "The answer is 1."]',1.79600514012640452383e+09,0.25);
INSERT INTO "scores" VALUES(4,'64d524f15a184589','id0','d59d877a07d9e2aee3adcda079d0b1e2',NULL,'[0.9, 0.9]','["Step 3 of 0.", "The answer is 0."]',1.79600514012640452383e+09,0.25);
INSERT INTO "scores" VALUES(5,'3068e3fa649d4613','id0','c629be8cca72a142eb6f81f75758fc44',NULL,'[0.1, 0.1]','["Step 0 of 0.", "\\boxed{\\sqrt{12}}"]',1.79600514013386583327e+09,0.25);
INSERT INTO "scores" VALUES(6,'3068e3fa649d4613','id0','1c8648c4997eb93e373196a7df7fecf5',NULL,'[0.4, 0.4]','["Step 1 of 0.", "\\boxed{2\\sqrt{3}}"]',1.79600514013386583327e+09,0.25);
INSERT INTO "scores" VALUES(7,'3068e3fa649d4613','id0','839f62fcc4b008db8ac985370b1453fd',NULL,'[0.7, 0.7]','["Step 2 of 0.", "The answer is 1."]',1.79600514013386583327e+09,0.25);
INSERT INTO "scores" VALUES(8,'3068e3fa649d4613','id0','d59d877a07d9e2aee3adcda079d0b1e2',NULL,'[0.0, 0.0]','["Step 3 of 0.", "The answer is 0."]',1.79600514013386583327e+09,0.25);
INSERT INTO "scores" VALUES(9,'64d524f15a184589','id1','1bac6d6f7093296113ade5288ed8f504',NULL,'[0.7, 0.7]','["Step 0 of 1.", "\\boxed{\\sqrt{12}}"]',1.79600514015823960311e+09,0.25);
INSERT INTO "scores" VALUES(10,'64d524f15a184589','id1','d7f6b40f947656a1de568cd8b13a2423',NULL,'[0.0, 0.0]','["Step 1 of 1.", "\\boxed{2\\sqrt{3}}"]',1.79600514015823960311e+09,0.25);
INSERT INTO "scores" VALUES(11,'64d524f15a184589','id1','b581179d462fbadb524c9752902c68e1',NULL,'[0.3, 0.3]','["Step 2 of 1.", "The answer is 1."]',1.79600514015823960311e+09,0.25);
INSERT INTO "scores" VALUES(12,'64d524f15a184589','id1','90ecde246f3c571c7eb196f56a7e3246',NULL,'[0.6, 0.6]','["Step 3 of 1.", "The answer is 1."]',1.79600514015823960311e+09,0.25);
INSERT INTO "scores" VALUES(13,'3068e3fa649d4613','id1','1bac6d6f7093296113ade5288ed8f504',NULL,'[0.8, 0.8]','["Step 0 of 1.", "\\boxed{\\sqrt{12}}"]',1.79600514016983413691e+09,0.25);
INSERT INTO "scores" VALUES(14,'3068e3fa649d4613','id1','d7f6b40f947656a1de568cd8b13a2423',NULL,'[0.1, 0.1]','["Step 1 of 1.", "\\boxed{2\\sqrt{3}}"]',1.79600514016983413691e+09,0.25);
INSERT INTO "scores" VALUES(15,'3068e3fa649d4613','id1','b581179d462fbadb524c9752902c68e1',NULL,'[0.4, 0.4]','["Step 2 of 1.", "The answer is 1."]',1.79600514016983413691e+09,0.25);
INSERT INTO "scores" VALUES(16,'3068e3fa649d4613','id1','90ecde246f3c571c7eb196f56a7e3246',NULL,'[0.7, 0.7]','["Step 3 of 1.", "The answer is 1."]',1.79600514016983413691e+09,0.25);
INSERT INTO "scores" VALUES(17,'64d524f15a184589','id2','41cae2c853ded22672e734b0d9728979',NULL,'[0.4, 0.4]','["Step 0 of 2.", "\\boxed{\\sqrt{12}}"]',1.7960051401981992721e+09,0.25);
INSERT INTO "scores" VALUES(18,'64d524f15a184589','id2','b499af3fd8a20b01f1d60578bb8cad1e',NULL,'[0.7, 0.7]','["Step 1 of 2.", "\\boxed{2\\sqrt{3}}"]',1.7960051401981992721e+09,0.25);
INSERT INTO "scores" VALUES(19,'64d524f15a184589','id2','f5b1d642bc1fd7090e1cb7f0cc121b7f',NULL,'[0.0, 0.0]','["Step 2 of 2.", "The answer is 1."]',1.7960051401981992721e+09,0.25);
INSERT INTO "scores" VALUES(20,'3068e3fa649d4613','id2','41cae2c853ded22672e734b0d9728979',NULL,'[0.5, 0.5]','["Step 0 of 2.", "\\boxed{\\sqrt{12}}"]',1.79600514021029686925e+09,0.25);
INSERT INTO "scores" VALUES(21,'3068e3fa649d4613','id2','b499af3fd8a20b01f1d60578bb8cad1e',NULL,'[0.8, 0.8]','["Step 1 of 2.", "\\boxed{2\\sqrt{3}}"]',1.79600514021029686925e+09,0.25);
INSERT INTO "scores" VALUES(22,'3068e3fa649d4613','id2','f5b1d642bc1fd7090e1cb7f0cc121b7f',NULL,'[0.1, 0.1]','["Step 2 of 2.", "The answer is 1."]',1.79600514021029686925e+09,0.25);
INSERT INTO "scores" VALUES(23,'64d524f15a184589','id3','50c9ed16b980142c57f7499a2db695ec',NULL,'[0.1, 0.1]','["Step 0 of 3.", "\\boxed{\\sqrt{12}}"]',1.79600514022393178935e+09,0.25);
INSERT INTO "scores" VALUES(24,'64d524f15a184589','id3','b0fc8d8fae517b24ce47d9b7de1d9581',NULL,'[0.4, 0.4]','["Step 1 of 3.", "\\boxed{2\\sqrt{3}}"]',1.79600514022393178935e+09,0.25);
INSERT INTO "scores" VALUES(25,'64d524f15a184589','id3','cd8ec28078bce3dc1711bff596b820bb',NULL,'[0.7, 0.7]','["Step 2 of 3.", "The answer is 1."]',1.79600514022393178935e+09,0.25);
INSERT INTO "scores" VALUES(26,'64d524f15a184589','id3','4e882ee71b836e6502e3875c39f79cc6',NULL,'[0.0, 0.0]','["Step 3 of 3.", "The answer is 3."]',1.79600514022393178935e+09,0.25);
INSERT INTO "scores" VALUES(27,'3068e3fa649d4613','id3','50c9ed16b980142c57f7499a2db695ec',NULL,'[0.2, 0.2]','["Step 0 of 3.", "\\boxed{\\sqrt{12}}"]',1.79600514022584629059e+09,0.25);
INSERT INTO "scores" VALUES(28,'3068e3fa649d4613','id3','b0fc8d8fae517b24ce47d9b7de1d9581',NULL,'[0.5, 0.5]','["Step 1 of 3.", "\\boxed{2\\sqrt{3}}"]',1.79600514022584629059e+09,0.25);
INSERT INTO "scores" VALUES(29,'3068e3fa649d4613','id3','cd8ec28078bce3dc1711bff596b820bb',NULL,'[0.8, 0.8]','["Step 2 of 3.", "The answer is 1."]',1.79600514022584629059e+09,0.25);
INSERT INTO "scores" VALUES(30,'3068e3fa649d4613','id3','4e882ee71b836e6502e3875c39f79cc6',NULL,'[0.1, 0.1]','["Step 3 of 3.", "The answer is 3."]',1.79600514022584629059e+09,0.25);
INSERT INTO "scores" VALUES(31,'64d524f15a184589','id4','4ec552d88091cd26b2e3269d02182e90','CUDA out of memory','[]','["Step 0 of 4.", "\\boxed{\\sqrt{12}}"]',1.796005140231837511e+09,NULL);
INSERT INTO "scores" VALUES(32,'64d524f15a184589','id4','fe12ee622fdbb6745bdbf2a0c162e9b3',NULL,'[0.1, 0.1]','["Step 1 of 4.", "\\boxed{2\\sqrt{3}}"]',1.796005140231837511e+09,0.25);
INSERT INTO "scores" VALUES(33,'64d524f15a184589','id4','d3c47a782186277d4c695aa9a487119a',NULL,'[0.4, 0.4]','["Step 2 of 4.", "The answer is 1."]',1.796005140231837511e+09,0.25);
INSERT INTO "scores" VALUES(34,'64d524f15a184589','id4','3afa8e7dc855915a0d59b1b156827a21',NULL,'[0.7, 0.7]','["Step 3 of 4.", "The answer is 4."]',1.796005140231837511e+09,0.25);
INSERT INTO "scores" VALUES(35,'3068e3fa649d4613','id4','4ec552d88091cd26b2e3269d02182e90','CUDA out of memory','[]','["Step 0 of 4.", "\\boxed{\\sqrt{12}}"]',1.79600514023390483856e+09,NULL);
INSERT INTO "scores" VALUES(36,'3068e3fa649d4613','id4','fe12ee622fdbb6745bdbf2a0c162e9b3',NULL,'[0.2, 0.2]','["Step 1 of 4.", "\\boxed{2\\sqrt{3}}"]',1.79600514023390483856e+09,0.25);
INSERT INTO "scores" VALUES(37,'3068e3fa649d4613','id4','d3c47a782186277d4c695aa9a487119a',NULL,'[0.5, 0.5]','["Step 2 of 4.", "The answer is 1."]',1.79600514023390483856e+09,0.25);
INSERT INTO "scores" VALUES(38,'3068e3fa649d4613','id4','3afa8e7dc855915a0d59b1b156827a21',NULL,'[0.8, 0.8]','["Step 3 of 4.", "The answer is 4."]',1.79600514023390483856e+09,0.25);
INSERT INTO "scores" VALUES(39,'64d524f15a184589','id5','d6541be4c188143efe2c92ce3a2b494d',NULL,'[0.5, 0.5]','["Step 0 of 5.", "\\boxed{\\sqrt{12}}"]',1.79600514024104571347e+09,0.25);
INSERT INTO "scores" VALUES(40,'64d524f15a184589','id5','99127e9fe8e10dc667f084f9c78b7538',NULL,'[0.8, 0.8]','["Step 1 of 5.", "\\boxed{2\\sqrt{3}}"]',1.79600514024104571347e+09,0.25);
INSERT INTO "scores" VALUES(41,'64d524f15a184589','id5','611e7f91f0efbe668710f440da151901',NULL,'[0.1, 0.1]','["Step 2 of 5.", "The answer is 1."]',1.79600514024104571347e+09,0.25);
INSERT INTO "scores" VALUES(42,'64d524f15a184589','id5','5ac3c4646604599c05cd228c82fd3882',NULL,'[0.4]',X'5B22615C75303030306220EDA080EDBFBF225D',1.79600514024104571347e+09,0.25);
INSERT INTO "scores" VALUES(43,'3068e3fa649d4613','id5','d6541be4c188143efe2c92ce3a2b494d',NULL,'[0.6, 0.6]','["Step 0 of 5.", "\\boxed{\\sqrt{12}}"]',1.79600514024234271049e+09,0.25);
INSERT INTO "scores" VALUES(44,'3068e3fa649d4613','id5','99127e9fe8e10dc667f084f9c78b7538',NULL,'[0.9, 0.9]','["Step 1 of 5.", "\\boxed{2\\sqrt{3}}"]',1.79600514024234271049e+09,0.25);
INSERT INTO "scores" VALUES(45,'3068e3fa649d4613','id5','611e7f91f0efbe668710f440da151901',NULL,'[0.2, 0.2]','["Step 2 of 5.", "The answer is 1."]',1.79600514024234271049e+09,0.25);
INSERT INTO "scores" VALUES(46,'3068e3fa649d4613','id5','5ac3c4646604599c05cd228c82fd3882',NULL,'[0.5]',X'5B22615C75303030306220EDA080EDBFBF225D',1.79600514024234271049e+09,0.25);
INSERT INTO "scores" VALUES(47,'64d524f15a184589','id6','4131c64e69496024a9fc6bc985fe5a91',NULL,'[0.2, 0.2]','["Step 0 of 6.", "\\boxed{\\sqrt{12}}"]',1.79600514024509072302e+09,0.25);
INSERT INTO "scores" VALUES(48,'64d524f15a184589','id6','375b653a38b9af7ecfedad2e62fdb3b6',NULL,'[0.5, 0.5]','["Step 1 of 6.", "\\boxed{2\\sqrt{3}}"]',1.79600514024509072302e+09,0.25);
INSERT INTO "scores" VALUES(49,'64d524f15a184589','id6','9a990dcdbc78c561b2baceebb020355c',NULL,'[0.8, 0.8]','["Step 2 of 6.", "The answer is 1."]',1.79600514024509072302e+09,0.25);
INSERT INTO "scores" VALUES(50,'64d524f15a184589','id6','e0fcdfa5630a346d19574505675ff395',NULL,'[0.1, 0.1]','["Step 3 of 6.", "The answer is 6."]',1.79600514024509072302e+09,0.25);
INSERT INTO "scores" VALUES(51,'3068e3fa649d4613','id6','4131c64e69496024a9fc6bc985fe5a91',NULL,'[0.3, 0.3]','["Step 0 of 6.", "\\boxed{\\sqrt{12}}"]',1.7960051402458825111e+09,0.25);
INSERT INTO "scores" VALUES(52,'3068e3fa649d4613','id6','375b653a38b9af7ecfedad2e62fdb3b6',NULL,'[0.6, 0.6]','["Step 1 of 6.", "\\boxed{2\\sqrt{3}}"]',1.7960051402458825111e+09,0.25);
INSERT INTO "scores" VALUES(53,'3068e3fa649d4613','id6','9a990dcdbc78c561b2baceebb020355c',NULL,'[0.9, 0.9]','["Step 2 of 6.", "The answer is 1."]',1.7960051402458825111e+09,0.25);
INSERT INTO "scores" VALUES(54,'3068e3fa649d4613','id6','e0fcdfa5630a346d19574505675ff395',NULL,'[0.2, 0.2]','["Step 3 of 6.", "The answer is 6."]',1.7960051402458825111e+09,0.25);
INSERT INTO "scores" VALUES(55,'64d524f15a184589','id7','00d7fda7fdf221185d698b72489ef11c',NULL,'[0.9, 0.9]','["Step 0 of 7.", "\\boxed{\\sqrt{12}}"]',1.79600514025031471254e+09,0.25);
INSERT INTO "scores" VALUES(56,'64d524f15a184589','id7','c944c46a90a6d7838602b0b197391c27',NULL,'[0.2, 0.2]','["Step 1 of 7.", "\\boxed{2\\sqrt{3}}"]',1.79600514025031471254e+09,0.25);
INSERT INTO "scores" VALUES(57,'64d524f15a184589','id7','0c5ff07ae8dd74e6b4bcccd845a8c992',NULL,'[0.5, 0.5]','["Step 2 of 7.", "The answer is 1."]',1.79600514025031471254e+09,0.25);
INSERT INTO "scores" VALUES(58,'64d524f15a184589','id7','7a439f8d8de572d9198091e0c5267ca5',NULL,'[0.8, 0.8]','["Step 3 of 7.", "The answer is 7."]',1.79600514025031471254e+09,0.25);
INSERT INTO "scores" VALUES(59,'3068e3fa649d4613','id7','00d7fda7fdf221185d698b72489ef11c',NULL,'[0.0, 0.0]','["Step 0 of 7.", "\\boxed{\\sqrt{12}}"]',1.79600514025072646143e+09,0.25);
INSERT INTO "scores" VALUES(60,'3068e3fa649d4613','id7','c944c46a90a6d7838602b0b197391c27',NULL,'[0.3, 0.3]','["Step 1 of 7.", "\\boxed{2\\sqrt{3}}"]',1.79600514025072646143e+09,0.25);
INSERT INTO "scores" VALUES(61,'3068e3fa649d4613','id7','0c5ff07ae8dd74e6b4bcccd845a8c992',NULL,'[0.6, 0.6]','["Step 2 of 7.", "The answer is 1."]',1.79600514025072646143e+09,0.25);
INSERT INTO "scores" VALUES(62,'3068e3fa649d4613','id7','7a439f8d8de572d9198091e0c5267ca5',NULL,'[0.9, 0.9]','["Step 3 of 7.", "The answer is 7."]',1.79600514025072646143e+09,0.25);
INSERT INTO "scores" VALUES(63,'64d524f15a184589','id8','e5a19ebc6644ca271ea2d3ac44ea0216',NULL,'[0.6, 0.6]','["Step 0 of 8.", "\\boxed{\\sqrt{12}}"]',1.79600514025293445585e+09,0.25);
INSERT INTO "scores" VALUES(64,'64d524f15a184589','id8','6857388756ffb645491944abc4c3a6e8',NULL,'[0.9, 0.9]','["Step 1 of 8.", "\\boxed{2\\sqrt{3}}"]',1.79600514025293445585e+09,0.25);
INSERT INTO "scores" VALUES(65,'64d524f15a184589','id8','ea162a240239f8565a8607dd1a2718a6',NULL,'[0.2, 0.2]','["Step 2 of 8.", "The answer is 1."]',1.79600514025293445585e+09,0.25);
INSERT INTO "scores" VALUES(66,'64d524f15a184589','id8','9dfb30998793ca8e41cdcc4d2fc456d9',NULL,'[0.5, 0.5]','["Step 3 of 8.", "The answer is 8."]',1.79600514025293445585e+09,0.25);
INSERT INTO "scores" VALUES(67,'3068e3fa649d4613','id8','e5a19ebc6644ca271ea2d3ac44ea0216',NULL,'[0.7, 0.7]','["Step 0 of 8.", "\\boxed{\\sqrt{12}}"]',1.79600514025409746174e+09,0.25);
INSERT INTO "scores" VALUES(68,'3068e3fa649d4613','id8','6857388756ffb645491944abc4c3a6e8',NULL,'[0.0, 0.0]','["Step 1 of 8.", "\\boxed{2\\sqrt{3}}"]',1.79600514025409746174e+09,0.25);
INSERT INTO "scores" VALUES(69,'3068e3fa649d4613','id8','ea162a240239f8565a8607dd1a2718a6',NULL,'[0.3, 0.3]','["Step 2 of 8.", "The answer is 1."]',1.79600514025409746174e+09,0.25);
INSERT INTO "scores" VALUES(70,'3068e3fa649d4613','id8','9dfb30998793ca8e41cdcc4d2fc456d9',NULL,'[0.6, 0.6]','["Step 3 of 8.", "The answer is 8."]',1.79600514025409746174e+09,0.25);
INSERT INTO "scores" VALUES(71,'64d524f15a184589','id9','1a0620640031050a07eb3dfef6004b96',NULL,'[0.3, 0.3]','["Step 0 of 9.", "\\boxed{\\sqrt{12}}"]',1.7960051402620825767e+09,0.25);
INSERT INTO "scores" VALUES(72,'64d524f15a184589','id9','6d9d04f46b48cecc3a0833f934aa7586',NULL,'[0.6, 0.6]','["Step 1 of 9.", "\\boxed{2\\sqrt{3}}"]',1.7960051402620825767e+09,0.25);
INSERT INTO "scores" VALUES(73,'64d524f15a184589','id9','5ff72b042b69e19bf610d628f076b21b',NULL,'[0.9, 0.9]','["Step 2 of 9.", "The answer is 1."]',1.7960051402620825767e+09,0.25);
INSERT INTO "scores" VALUES(74,'64d524f15a184589','id9','48e7e3bca1ccd63d773142d93004bbc1',NULL,'[0.2, 0.2]','["Step 3 of 9.", "The answer is 9."]',1.7960051402620825767e+09,0.25);
INSERT INTO "scores" VALUES(75,'3068e3fa649d4613','id9','1a0620640031050a07eb3dfef6004b96',NULL,'[0.4, 0.4]','["Step 0 of 9.", "\\boxed{\\sqrt{12}}"]',1.79600514026664757729e+09,0.25);
INSERT INTO "scores" VALUES(76,'3068e3fa649d4613','id9','6d9d04f46b48cecc3a0833f934aa7586',NULL,'[0.7, 0.7]','["Step 1 of 9.", "\\boxed{2\\sqrt{3}}"]',1.79600514026664757729e+09,0.25);
INSERT INTO "scores" VALUES(77,'3068e3fa649d4613','id9','5ff72b042b69e19bf610d628f076b21b',NULL,'[0.0, 0.0]','["Step 2 of 9.", "The answer is 1."]',1.79600514026664757729e+09,0.25);
INSERT INTO "scores" VALUES(78,'3068e3fa649d4613','id9','48e7e3bca1ccd63d773142d93004bbc1',NULL,'[0.3, 0.3]','["Step 3 of 9.", "The answer is 9."]',1.79600514026664757729e+09,0.25);
INSERT INTO "scores" VALUES(79,'64d524f15a184589','id10','b36cc06a3f623b2ff461ad54a2603726',NULL,'[0.0, 0.0]','["Step 0 of 10.", "\\boxed{\\sqrt{12}}"]',1.79600514027372908584e+09,0.25);
INSERT INTO "scores" VALUES(80,'64d524f15a184589','id10','da48fbe3a537be574312cbd6d00f1a92',NULL,'[0.3, 0.3]','["Step 1 of 10.", "\\boxed{2\\sqrt{3}}"]',1.79600514027372908584e+09,0.25);
INSERT INTO "scores" VALUES(81,'64d524f15a184589','id10','1ef9360e6913ff43f2bab0f00fed2ef2',NULL,'[0.6, 0.6]','["Step 2 of 10.", "The answer is 1."]',1.79600514027372908584e+09,0.25);
INSERT INTO "scores" VALUES(82,'64d524f15a184589','id10','542b8bfd72f14c8a19e97c50e086f108',NULL,'[0.9, 0.9]','["Step 3 of 10.", "The answer is 10."]',1.79600514027372908584e+09,0.25);
INSERT INTO "scores" VALUES(83,'3068e3fa649d4613','id10','b36cc06a3f623b2ff461ad54a2603726',NULL,'[0.1, 0.1]','["Step 0 of 10.", "\\boxed{\\sqrt{12}}"]',1.79600514027704286578e+09,0.25);
INSERT INTO "scores" VALUES(84,'3068e3fa649d4613','id10','da48fbe3a537be574312cbd6d00f1a92',NULL,'[0.4, 0.4]','["Step 1 of 10.", "\\boxed{2\\sqrt{3}}"]',1.79600514027704286578e+09,0.25);
INSERT INTO "scores" VALUES(85,'3068e3fa649d4613','id10','1ef9360e6913ff43f2bab0f00fed2ef2',NULL,'[0.7, 0.7]','["Step 2 of 10.", "The answer is 1."]',1.79600514027704286578e+09,0.25);
INSERT INTO "scores" VALUES(86,'3068e3fa649d4613','id10','542b8bfd72f14c8a19e97c50e086f108',NULL,'[0.0, 0.0]','["Step 3 of 10.", "The answer is 10."]',1.79600514027704286578e+09,0.25);
INSERT INTO "scores" VALUES(87,'64d524f15a184589','id11','66c8b6d99ae953cd01320021968021e3',NULL,'[0.7, 0.7]','["Step 0 of 11.", "\\boxed{\\sqrt{12}}"]',1.79600514028168201444e+09,0.25);
INSERT INTO "scores" VALUES(88,'64d524f15a184589','id11','247782f3f0925180847adafa1f3525f8',NULL,'[0.0, 0.0]','["Step 1 of 11.", "\\boxed{2\\sqrt{3}}"]',1.79600514028168201444e+09,0.25);
INSERT INTO "scores" VALUES(89,'64d524f15a184589','id11','4ab0d1f1c8b25ab6f2a1ed469bebaba9',NULL,'[0.3, 0.3]','["Step 2 of 11.", "The answer is 1."]',1.79600514028168201444e+09,0.25);
INSERT INTO "scores" VALUES(90,'64d524f15a184589','id11','c248578d97e119f4f0607accc1362009',NULL,'[0.6, 0.6]','["Step 3 of 11.", "The answer is 11."]',1.79600514028168201444e+09,0.25);
INSERT INTO "scores" VALUES(91,'3068e3fa649d4613','id11','66c8b6d99ae953cd01320021968021e3',NULL,'[0.8, 0.8]','["Step 0 of 11.", "\\boxed{\\sqrt{12}}"]',1.79600514028522515296e+09,0.25);
INSERT INTO "scores" VALUES(92,'3068e3fa649d4613','id11','247782f3f0925180847adafa1f3525f8',NULL,'[0.1, 0.1]','["Step 1 of 11.", "\\boxed{2\\sqrt{3}}"]',1.79600514028522515296e+09,0.25);
INSERT INTO "scores" VALUES(93,'3068e3fa649d4613','id11','4ab0d1f1c8b25ab6f2a1ed469bebaba9',NULL,'[0.4, 0.4]','["Step 2 of 11.", "The answer is 1."]',1.79600514028522515296e+09,0.25);
INSERT INTO "scores" VALUES(94,'3068e3fa649d4613','id11','c248578d97e119f4f0607accc1362009',NULL,'[0.7, 0.7]','["Step 3 of 11.", "The answer is 11."]',1.79600514028522515296e+09,0.25);
CREATE TABLE specs (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('sampling', 'scoring', 'grading', 'checkpoint')),
    settings TEXT NOT NULL,
    created_at REAL NOT NULL
);
INSERT INTO "specs" VALUES(1,'bc761b8b2693d583','sampling','{"policy": "P", "temperature": 0.7, "prompt": "cot", "wording": "w1"}',1.79600514007540631297e+09);
INSERT INTO "specs" VALUES(2,'64d524f15a184589','scoring','{"critic": "visualprm", "max_steps": 12, "checkpoint": "f00"}',1.79600514008191132538e+09);
INSERT INTO "specs" VALUES(3,'3068e3fa649d4613','scoring','{"critic": "visualorm", "max_steps": 12, "checkpoint": "f00"}',1.79600514008579540247e+09);
INSERT INTO "specs" VALUES(4,'b954df083b95238e','grading','{"benchmark": "Bench", "prediction": "raw", "host": "1", "judge": "exact_matching"}',1.7960051400898187161e+09);
CREATE TABLE texts (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    value TEXT NOT NULL
);
INSERT INTO "texts" VALUES(1,'c629be8cca72a142eb6f81f75758fc44','Step 0 of 0.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(2,'1c8648c4997eb93e373196a7df7fecf5','Step 1 of 0.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(3,'839f62fcc4b008db8ac985370b1453fd','Step 2 of 0.

The answer is 1.');
INSERT INTO "texts" VALUES(4,'d59d877a07d9e2aee3adcda079d0b1e2','Step 3 of 0.

The answer is 0.');
INSERT INTO "texts" VALUES(5,'1bac6d6f7093296113ade5288ed8f504','Step 0 of 1.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(6,'d7f6b40f947656a1de568cd8b13a2423','Step 1 of 1.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(7,'b581179d462fbadb524c9752902c68e1','Step 2 of 1.

The answer is 1.');
INSERT INTO "texts" VALUES(8,'90ecde246f3c571c7eb196f56a7e3246','Step 3 of 1.

The answer is 1.');
INSERT INTO "texts" VALUES(9,'41cae2c853ded22672e734b0d9728979','Step 0 of 2.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(10,'b499af3fd8a20b01f1d60578bb8cad1e','Step 1 of 2.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(11,'f5b1d642bc1fd7090e1cb7f0cc121b7f','Step 2 of 2.

The answer is 1.');
INSERT INTO "texts" VALUES(12,'e3b0c44298fc1c149afbf4c8996fb924','');
INSERT INTO "texts" VALUES(13,'50c9ed16b980142c57f7499a2db695ec','Step 0 of 3.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(14,'b0fc8d8fae517b24ce47d9b7de1d9581','Step 1 of 3.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(15,'cd8ec28078bce3dc1711bff596b820bb','Step 2 of 3.

The answer is 1.');
INSERT INTO "texts" VALUES(16,'4e882ee71b836e6502e3875c39f79cc6','Step 3 of 3.

The answer is 3.');
INSERT INTO "texts" VALUES(17,'4ec552d88091cd26b2e3269d02182e90','Step 0 of 4.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(18,'fe12ee622fdbb6745bdbf2a0c162e9b3','Step 1 of 4.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(19,'d3c47a782186277d4c695aa9a487119a','Step 2 of 4.

The answer is 1.');
INSERT INTO "texts" VALUES(20,'3afa8e7dc855915a0d59b1b156827a21','Step 3 of 4.

The answer is 4.');
INSERT INTO "texts" VALUES(21,'d6541be4c188143efe2c92ce3a2b494d','Step 0 of 5.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(22,'99127e9fe8e10dc667f084f9c78b7538','Step 1 of 5.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(23,'611e7f91f0efbe668710f440da151901','Step 2 of 5.

The answer is 1.');
INSERT INTO "texts" VALUES(24,'5ac3c4646604599c05cd228c82fd3882',X'61006220EDA080EDBFBF');
INSERT INTO "texts" VALUES(25,'4131c64e69496024a9fc6bc985fe5a91','Step 0 of 6.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(26,'375b653a38b9af7ecfedad2e62fdb3b6','Step 1 of 6.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(27,'9a990dcdbc78c561b2baceebb020355c','Step 2 of 6.

The answer is 1.');
INSERT INTO "texts" VALUES(28,'e0fcdfa5630a346d19574505675ff395','Step 3 of 6.

The answer is 6.');
INSERT INTO "texts" VALUES(29,'00d7fda7fdf221185d698b72489ef11c','Step 0 of 7.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(30,'c944c46a90a6d7838602b0b197391c27','Step 1 of 7.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(31,'0c5ff07ae8dd74e6b4bcccd845a8c992','Step 2 of 7.

The answer is 1.');
INSERT INTO "texts" VALUES(32,'7a439f8d8de572d9198091e0c5267ca5','Step 3 of 7.

The answer is 7.');
INSERT INTO "texts" VALUES(33,'e5a19ebc6644ca271ea2d3ac44ea0216','Step 0 of 8.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(34,'6857388756ffb645491944abc4c3a6e8','Step 1 of 8.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(35,'ea162a240239f8565a8607dd1a2718a6','Step 2 of 8.

The answer is 1.');
INSERT INTO "texts" VALUES(36,'9dfb30998793ca8e41cdcc4d2fc456d9','Step 3 of 8.

The answer is 8.');
INSERT INTO "texts" VALUES(37,'1a0620640031050a07eb3dfef6004b96','Step 0 of 9.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(38,'6d9d04f46b48cecc3a0833f934aa7586','Step 1 of 9.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(39,'5ff72b042b69e19bf610d628f076b21b','Step 2 of 9.

The answer is 1.');
INSERT INTO "texts" VALUES(40,'48e7e3bca1ccd63d773142d93004bbc1','Step 3 of 9.

The answer is 9.');
INSERT INTO "texts" VALUES(41,'b36cc06a3f623b2ff461ad54a2603726','Step 0 of 10.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(42,'da48fbe3a537be574312cbd6d00f1a92','Step 1 of 10.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(43,'1ef9360e6913ff43f2bab0f00fed2ef2','Step 2 of 10.

The answer is 1.');
INSERT INTO "texts" VALUES(44,'542b8bfd72f14c8a19e97c50e086f108','Step 3 of 10.

The answer is 10.');
INSERT INTO "texts" VALUES(45,'66c8b6d99ae953cd01320021968021e3','Step 0 of 11.

\boxed{\sqrt{12}}');
INSERT INTO "texts" VALUES(46,'247782f3f0925180847adafa1f3525f8','Step 1 of 11.

\boxed{2\sqrt{3}}');
INSERT INTO "texts" VALUES(47,'4ab0d1f1c8b25ab6f2a1ed469bebaba9','Step 2 of 11.

The answer is 1.');
INSERT INTO "texts" VALUES(48,'c248578d97e119f4f0607accc1362009','Step 3 of 11.

The answer is 11.');
CREATE TABLE verdicts (
    spec_id TEXT NOT NULL REFERENCES specs (id),
    problem_id TEXT NOT NULL REFERENCES problems (id),
    text_id TEXT NOT NULL REFERENCES texts (id),
    error TEXT,
    value REAL,
    created_at REAL NOT NULL, seconds REAL,
    PRIMARY KEY (spec_id, problem_id, text_id),
    CHECK ((value IS NULL) = (error IS NOT NULL))
) WITHOUT ROWID;
INSERT INTO "verdicts" VALUES('b954df083b95238e','id0','1c8648c4997eb93e373196a7df7fecf5',NULL,0.0,1.79600514014183092114e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id0','839f62fcc4b008db8ac985370b1453fd',NULL,0.0,1.79600514014183092114e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id0','c629be8cca72a142eb6f81f75758fc44',NULL,1.0,1.79600514014183092114e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id0','d59d877a07d9e2aee3adcda079d0b1e2',NULL,1.0,1.79600514014183092114e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id1','1bac6d6f7093296113ade5288ed8f504',NULL,0.0,1.79600514018182516096e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id1','90ecde246f3c571c7eb196f56a7e3246',NULL,0.0,1.79600514018182516096e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id1','b581179d462fbadb524c9752902c68e1',NULL,1.0,1.79600514018182516096e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id1','d7f6b40f947656a1de568cd8b13a2423',NULL,0.0,1.79600514018182516096e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id10','1ef9360e6913ff43f2bab0f00fed2ef2',NULL,1.0,1.79600514027769231793e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id10','542b8bfd72f14c8a19e97c50e086f108',NULL,0.0,1.79600514027769231793e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id10','b36cc06a3f623b2ff461ad54a2603726',NULL,0.0,1.79600514027769231793e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id10','da48fbe3a537be574312cbd6d00f1a92',NULL,0.0,1.79600514027769231793e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id11','247782f3f0925180847adafa1f3525f8',NULL,1.0,1.79600514028966212276e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id11','4ab0d1f1c8b25ab6f2a1ed469bebaba9',NULL,0.0,1.79600514028966212276e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id11','66c8b6d99ae953cd01320021968021e3',NULL,0.0,1.79600514028966212276e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id11','c248578d97e119f4f0607accc1362009',NULL,0.0,1.79600514028966212276e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id2','41cae2c853ded22672e734b0d9728979',NULL,0.0,1.79600514021082949636e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id2','b499af3fd8a20b01f1d60578bb8cad1e',NULL,1.0,1.79600514021082949636e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id2','f5b1d642bc1fd7090e1cb7f0cc121b7f',NULL,0.0,1.79600514021082949636e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id3','4e882ee71b836e6502e3875c39f79cc6',NULL,1.0,1.79600514022724652295e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id3','50c9ed16b980142c57f7499a2db695ec',NULL,1.0,1.79600514022724652295e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id3','b0fc8d8fae517b24ce47d9b7de1d9581',NULL,0.0,1.79600514022724652295e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id3','cd8ec28078bce3dc1711bff596b820bb',NULL,0.0,1.79600514022724652295e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id4','3afa8e7dc855915a0d59b1b156827a21',NULL,0.0,1.7960051402347931862e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id4','4ec552d88091cd26b2e3269d02182e90',NULL,0.0,1.7960051402347931862e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id4','d3c47a782186277d4c695aa9a487119a',NULL,1.0,1.7960051402347931862e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id4','fe12ee622fdbb6745bdbf2a0c162e9b3',NULL,0.0,1.7960051402347931862e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id5','5ac3c4646604599c05cd228c82fd3882',NULL,0.0,1.79600514024317216873e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id5','611e7f91f0efbe668710f440da151901',NULL,0.0,1.79600514024317216873e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id5','99127e9fe8e10dc667f084f9c78b7538',NULL,1.0,1.79600514024317216873e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id5','d6541be4c188143efe2c92ce3a2b494d',NULL,0.0,1.79600514024317216873e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id6','375b653a38b9af7ecfedad2e62fdb3b6','the judge refused',NULL,1.79600514024783587457e+09,NULL);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id6','4131c64e69496024a9fc6bc985fe5a91',NULL,1.0,1.79600514024783587457e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id6','9a990dcdbc78c561b2baceebb020355c',NULL,0.0,1.79600514024783587457e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id6','e0fcdfa5630a346d19574505675ff395',NULL,1.0,1.79600514024783587457e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id7','00d7fda7fdf221185d698b72489ef11c',NULL,0.0,1.79600514025124931337e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id7','0c5ff07ae8dd74e6b4bcccd845a8c992',NULL,1.0,1.79600514025124931337e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id7','7a439f8d8de572d9198091e0c5267ca5',NULL,0.0,1.79600514025124931337e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id7','c944c46a90a6d7838602b0b197391c27',NULL,0.0,1.79600514025124931337e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id8','6857388756ffb645491944abc4c3a6e8',NULL,1.0,1.796005140256165266e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id8','9dfb30998793ca8e41cdcc4d2fc456d9',NULL,0.0,1.796005140256165266e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id8','e5a19ebc6644ca271ea2d3ac44ea0216',NULL,0.0,1.796005140256165266e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id8','ea162a240239f8565a8607dd1a2718a6',NULL,0.0,1.796005140256165266e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id9','1a0620640031050a07eb3dfef6004b96',NULL,1.0,1.79600514026706600196e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id9','48e7e3bca1ccd63d773142d93004bbc1',NULL,1.0,1.79600514026706600196e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id9','5ff72b042b69e19bf610d628f076b21b',NULL,0.0,1.79600514026706600196e+09,0.125);
INSERT INTO "verdicts" VALUES('b954df083b95238e','id9','6d9d04f46b48cecc3a0833f934aa7586',NULL,0.0,1.79600514026706600196e+09,0.125);
CREATE INDEX problems_by_benchmark ON problems (benchmark, position);
COMMIT;
PRAGMA user_version = 6;
PRAGMA application_id = 1448104525;
