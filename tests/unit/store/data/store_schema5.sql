-- A store of schema 5, made by version 0.1.0 of this package (commit 693ecc9), as SQL:
-- - DemoWorld, 6 problems x 4 candidates of demo-policy and a greedy one each, the reward models step1000 and step2000
--   (both in folders called hf) as PRM and as ORM, exact matching, the notes of that run;
-- - Toy, three made-up problems: an empty reply, a filtered one, an HTTP failure, a thought without an end, scores and
--   verdicts of judges with a failure each, the host's figure of a table of picks, three replies of a judge.
BEGIN TRANSACTION;
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
INSERT INTO "candidates" VALUES('109c19ba07af0245','04e7d77c2edfcfbc',0,'346a36faa1dad8c0775b014920afb173',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','04e7d77c2edfcfbc',1,'346a36faa1dad8c0775b014920afb173',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','04e7d77c2edfcfbc',2,'346a36faa1dad8c0775b014920afb173',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','04e7d77c2edfcfbc',3,'346a36faa1dad8c0775b014920afb173',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','4981d3acc950ae44',0,'3d42179c81343a1769b348635c0bf61f',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','4981d3acc950ae44',1,'6583ab9cf740c977a6d76a48657bddbc',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','4981d3acc950ae44',2,'3241e8b552dc121c6f9bc6cfaacc16d0',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','4981d3acc950ae44',3,'6583ab9cf740c977a6d76a48657bddbc',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','6e156e3465892742',0,'65d54f48a3e8ef5c760d3248acf60464',NULL,'stop',34,5.38727350833217641379e-03,1.79597940023144507408e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','6e156e3465892742',1,'65d54f48a3e8ef5c760d3248acf60464',NULL,'stop',34,5.38727350833217641379e-03,1.79597940023144507408e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','6e156e3465892742',2,'65d54f48a3e8ef5c760d3248acf60464',NULL,'stop',34,5.38727350833217641379e-03,1.79597940023144507408e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','6e156e3465892742',3,'28884ff46caef84987c9831553a4428c',NULL,'stop',34,5.38727350833217641379e-03,1.79597940023144507408e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','7298db4db60c3124',0,'64e72ae8c559f573d284b4cfadd46d32',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','7298db4db60c3124',1,'9c7217755e2d671329086af7b663151a',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','7298db4db60c3124',2,'9c7217755e2d671329086af7b663151a',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','7298db4db60c3124',3,'a8576be30994f5ab1e4eb8e94cc1c2a6',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','9c928207bd2f49b5',0,'43db0ea2274416131e80a91ec762ecdd',NULL,'stop',32,4.73023395833157157125e-03,1.79597940022208571431e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','9c928207bd2f49b5',1,'43db0ea2274416131e80a91ec762ecdd',NULL,'stop',32,4.73023395833157157125e-03,1.79597940022208571431e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','9c928207bd2f49b5',2,'2b636fbbd420cb91ddbe3229e3bac078',NULL,'stop',32,4.73023395833157157125e-03,1.79597940022208571431e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','9c928207bd2f49b5',3,'43db0ea2274416131e80a91ec762ecdd',NULL,'stop',32,4.73023395833157157125e-03,1.79597940022208571431e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','c4250c859cb76d5e',0,'29c658f25a8fc6a7313e47f1dde3426e',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','c4250c859cb76d5e',1,'29c658f25a8fc6a7313e47f1dde3426e',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','c4250c859cb76d5e',2,'29c658f25a8fc6a7313e47f1dde3426e',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('109c19ba07af0245','c4250c859cb76d5e',3,'29c658f25a8fc6a7313e47f1dde3426e',NULL,'stop',36,5.95129313333136664154e-03,1.79597940024066877367e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('cc46086f5e767a56','04e7d77c2edfcfbc',0,'346a36faa1dad8c0775b014920afb173',NULL,'stop',36,1.99973161666756917009e-02,1.79597940009847831721e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('cc46086f5e767a56','4981d3acc950ae44',0,'3241e8b552dc121c6f9bc6cfaacc16d0',NULL,'stop',36,1.99973161666756917009e-02,1.79597940009847831721e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('cc46086f5e767a56','6e156e3465892742',0,'da8a252d7986f0353a07a3cf3ac260af',NULL,'stop',32,1.6584704666665093381e-02,1.79597940008939337729e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('cc46086f5e767a56','7298db4db60c3124',0,'9c7217755e2d671329086af7b663151a',NULL,'stop',36,1.99973161666756917009e-02,1.79597940009847831721e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('cc46086f5e767a56','9c928207bd2f49b5',0,'43db0ea2274416131e80a91ec762ecdd',NULL,'stop',32,1.6584704666665093381e-02,1.79597940008939337729e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('cc46086f5e767a56','c4250c859cb76d5e',0,'29c658f25a8fc6a7313e47f1dde3426e',NULL,'stop',36,1.99973161666756917009e-02,1.79597940009847831721e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('f3e229c7b83ab909','toy0000000000000',0,'a0e75dca8fd4cb2021eec3b26ede8279',NULL,'stop',4,NULL,1.79597940403168797492e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('f3e229c7b83ab909','toy0000000000000',1,'e3b0c44298fc1c149afbf4c8996fb924','the policy wrote nothing','stop',NULL,NULL,1.79597940403168797492e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('f3e229c7b83ab909','toy0000000000000',2,'bc3c336287e4cced9ddbdcc9b124ac08',NULL,'length',NULL,NULL,1.79597940403168797492e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('f3e229c7b83ab909','toy0000000000001',0,'9eff27922b4473677d7cd8a21993cab3',NULL,'stop',4,NULL,1.79597940403168797492e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('f3e229c7b83ab909','toy0000000000001',1,'e3b0c44298fc1c149afbf4c8996fb924','the model wrote nothing (finish_reason content_filter)','content_filter',NULL,NULL,1.79597940403168797492e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('f3e229c7b83ab909','toy0000000000002',0,'5c732e2792664af79431c4ff48781d03',NULL,'stop',4,NULL,1.79597940403168797492e+09,NULL,NULL);
INSERT INTO "candidates" VALUES('f3e229c7b83ab909','toy0000000000002',1,'e3b0c44298fc1c149afbf4c8996fb924','HTTP 500: try later','',NULL,NULL,1.79597940403168797492e+09,NULL,NULL);
CREATE TABLE host_figures (
    grading_id TEXT NOT NULL,
    selection TEXT NOT NULL,
    figure REAL NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (grading_id, selection)
) WITHOUT ROWID;
INSERT INTO "host_figures" VALUES('08145adae47fe9ee','0387a858a486ddf9',8.33333333333333428107e+01,1.79597940066943955418e+09);
INSERT INTO "host_figures" VALUES('08145adae47fe9ee','2acbc4a60f077305',6.66666666666666571936e+01,1.79597940068306851386e+09);
INSERT INTO "host_figures" VALUES('08145adae47fe9ee','3b1acdcd15fa87df',6.66666666666666571936e+01,1.79597940069326734548e+09);
INSERT INTO "host_figures" VALUES('08145adae47fe9ee','9677d4f0463adfd3',8.33333333333333428107e+01,1.79597940071335983279e+09);
INSERT INTO "host_figures" VALUES('08145adae47fe9ee','d2d9c4ff7a32b55b',8.33333333333333428107e+01,1.79597940070340013505e+09);
INSERT INTO "host_figures" VALUES('6b22a43359903012','0123456789abcdef',66.7,1.79597940403274822229e+09);
CREATE TABLE judge_replies (
    request TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt >= 0),
    reply TEXT NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (request, attempt)
) WITHOUT ROWID;
INSERT INTO "judge_replies" VALUES('boldrequest000000000000000000000',0,'Extracted answer: **7**',1.79597940403409886359e+09);
INSERT INTO "judge_replies" VALUES('plainrequest00000000000000000000',0,'7',1.79597940403361296655e+09);
INSERT INTO "judge_replies" VALUES('thinkrequest00000000000000000000',0,'<think>it could be 8</think>

7',1.79597940403391742713e+09);
CREATE TABLE migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at REAL NOT NULL
);
INSERT INTO "migrations" VALUES(1,'specs, problems, texts and facts',1.79597939361886048317e+09);
INSERT INTO "migrations" VALUES(2,'replies of judges',1.79597939362107872959e+09);
INSERT INTO "migrations" VALUES(3,'token usage of candidates',1.79597939362247943878e+09);
INSERT INTO "migrations" VALUES(4,'groups of rows and the host''s figures',1.79597939362375807765e+09);
INSERT INTO "migrations" VALUES(5,'seconds of scores and verdicts',1.79597939362512850755e+09);
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
INSERT INTO "problems" VALUES(1,'c4250c859cb76d5e','DemoWorld','1','','[["image", "/home/user/.cache/visualprm_eval/images/DemoWorld-03e7b6d7/1.png"], ["text", "The bars count crates. A red crate weighs 3 kg and a green crate weighs 1 kg. What do all red and green crates weigh together?"]]','20','{}',1.795979399478536129e+09,'{}');
INSERT INTO "problems" VALUES(2,'7298db4db60c3124','DemoWorld','2','','[["image", "/home/user/.cache/visualprm_eval/images/DemoWorld-03e7b6d7/2.png"], ["text", "Multiply the number on the blue die by 4, then add the number on the green die. What is the result?"]]','28','{}',1.795979399478536129e+09,'{}');
INSERT INTO "problems" VALUES(3,'9c928207bd2f49b5','DemoWorld','3','','[["image", "/home/user/.cache/visualprm_eval/images/DemoWorld-03e7b6d7/3.png"], ["text", "The bars count crates. A green crate weighs 2 kg and a yellow crate weighs 1 kg. What do all green and yellow crates weigh together?"]]','9','{}',1.795979399478536129e+09,'{}');
INSERT INTO "problems" VALUES(4,'6e156e3465892742','DemoWorld','4','','[["image", "/home/user/.cache/visualprm_eval/images/DemoWorld-03e7b6d7/4.png"], ["text", "Multiply the number on the red die by 4, then add the number on the green die. What is the result?"]]','9','{}',1.795979399478536129e+09,'{}');
INSERT INTO "problems" VALUES(5,'4981d3acc950ae44','DemoWorld','5','','[["image", "/home/user/.cache/visualprm_eval/images/DemoWorld-03e7b6d7/5.png"], ["text", "The bars count crates. A green crate weighs 4 kg and a red crate weighs 1 kg. What do all green and red crates weigh together?"]]','29','{}',1.795979399478536129e+09,'{}');
INSERT INTO "problems" VALUES(6,'04e7d77c2edfcfbc','DemoWorld','6','','[["image", "/home/user/.cache/visualprm_eval/images/DemoWorld-03e7b6d7/6.png"], ["text", "Multiply the number on the blue die by 5, then add the number on the yellow die. What is the result?"]]','13','{}',1.795979399478536129e+09,'{}');
INSERT INTO "problems" VALUES(7,'toy0000000000000','Toy','0','','[["text", "How many dots in 0?"]]','1','{}',1.79597940402987027172e+09,'{}');
INSERT INTO "problems" VALUES(8,'toy0000000000001','Toy','1','','[["text", "How many dots in 1?"]]','2','{}',1.79597940402987027172e+09,'{}');
INSERT INTO "problems" VALUES(9,'toy0000000000002','Toy','2','','[["text", "How many dots in 2?"]]','3','{}',1.79597940402987027172e+09,'{}');
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
INSERT INTO "scores" VALUES(1,'32b08ff2885a1dc6','c4250c859cb76d5e','29c658f25a8fc6a7313e47f1dde3426e',NULL,'[0.9971567392349243, 0.9880589842796326, 0.842626690864563, 0.9027075171470642, 0.9530054926872253]','["Bars: red 5.", "5*3=15.", "Bars: green 5.", "15+5=20.", "The answer is \\boxed{20}."]',1.79597940033714699743e+09,4.66812720000007175258e-02);
INSERT INTO "scores" VALUES(2,'32b08ff2885a1dc6','04e7d77c2edfcfbc','346a36faa1dad8c0775b014920afb173',NULL,'[0.9990266561508179, 0.9909303784370422, 0.980540931224823, 0.9706253409385681, 0.9700974225997925]','["Dice: blue 2.", "2*5=10.", "Dice: yellow 3.", "10+3=13.", "The answer is \\boxed{13}."]',1.79597940033714699743e+09,4.66812720000007175258e-02);
INSERT INTO "scores" VALUES(3,'32b08ff2885a1dc6','7298db4db60c3124','64e72ae8c559f573d284b4cfadd46d32',NULL,'[0.004778128582984209, 0.0069525111466646194, 0.007982427254319191, 0.0034442590549588203, 0.004214522894471884]','["Dice: blue 5.", "5*4=20.", "Dice: green 4.", "20+4=24.", "The answer is \\boxed{24}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(4,'32b08ff2885a1dc6','7298db4db60c3124','9c7217755e2d671329086af7b663151a',NULL,'[0.9992470741271973, 0.9913439750671387, 0.9962961077690125, 0.97548508644104, 0.9806913137435913]','["Dice: blue 6.", "6*4=24.", "Dice: green 4.", "24+4=28.", "The answer is \\boxed{28}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(5,'32b08ff2885a1dc6','7298db4db60c3124','a8576be30994f5ab1e4eb8e94cc1c2a6',NULL,'[0.9992470741271973, 0.9913439750671387, 0.002469653030857444, 0.015510672703385353, 0.00261770561337471]','["Dice: blue 6.", "6*4=24.", "Dice: green 5.", "24+5=29.", "The answer is \\boxed{29}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(6,'32b08ff2885a1dc6','9c928207bd2f49b5','43db0ea2274416131e80a91ec762ecdd',NULL,'[0.9974746108055115, 0.9882150888442993, 0.9771981239318848, 0.9697422385215759, 0.976995587348938]','["Bars: green 4.", "4*2=8.", "Bars: yellow 1.", "8+1=9.", "The answer is \\boxed{9}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(7,'32b08ff2885a1dc6','9c928207bd2f49b5','2b636fbbd420cb91ddbe3229e3bac078',NULL,'[0.0021075464319437742, 0.0055957455188035965, 0.0013944434467703104, 0.001283752848394215, 0.0012232810258865356]','["Bars: green 3.", "3*2=6.", "Bars: yellow 1.", "6+1=7.", "The answer is \\boxed{7}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(8,'32b08ff2885a1dc6','6e156e3465892742','65d54f48a3e8ef5c760d3248acf60464',NULL,'[0.9986506104469299, 0.9969987869262695, 0.0017190556973218918, 0.0014509541215375066, 0.0018535966519266367]','["Dice: red 1.", "1*4=4.", "Dice: green 6.", "4+6=10.", "The answer is \\boxed{10}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(9,'32b08ff2885a1dc6','6e156e3465892742','28884ff46caef84987c9831553a4428c',NULL,'[0.00491116289049387, 0.005936219356954098, 0.003065109485760331, 0.001640243106521666, 0.002326861023902893]','["Dice: red 2.", "2*4=8.", "Dice: green 5.", "8+5=13.", "The answer is \\boxed{13}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(10,'32b08ff2885a1dc6','4981d3acc950ae44','3d42179c81343a1769b348635c0bf61f',NULL,'[0.9953321814537048, 0.986242413520813, 0.8929469585418701, 0.8930690288543701, 0.961976170539856]','["Bars: green 6.", "6*4=24.", "Bars: red 5.", "24+5=29.", "The answer is \\boxed{29}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(11,'32b08ff2885a1dc6','4981d3acc950ae44','6583ab9cf740c977a6d76a48657bddbc',NULL,'[0.006757599767297506, 0.012662416324019432, 0.0046061016619205475, 0.003904962446540594, 0.005871948786079884]','["Bars: green 5.", "5*4=20.", "Bars: red 5.", "20+5=25.", "The answer is \\boxed{25}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(12,'32b08ff2885a1dc6','4981d3acc950ae44','3241e8b552dc121c6f9bc6cfaacc16d0',NULL,'[0.006757599767297506, 0.012662416324019432, 0.00211095018312335, 0.003015131689608097, 0.0025943247601389885]','["Bars: green 5.", "5*4=20.", "Bars: red 4.", "20+4=24.", "The answer is \\boxed{24}."]',1.7959794003738937378e+09,3.61952800000153729342e-03);
INSERT INTO "scores" VALUES(13,'c5e0a4615dbd86d6','c4250c859cb76d5e','29c658f25a8fc6a7313e47f1dde3426e',NULL,'[0.02311779372394085]','["Bars: red 5.\n\n5*3=15.\n\nBars: green 5.\n\n15+5=20.\n\nThe answer is \\boxed{20}."]',1.79597940040767455101e+09,1.60057760000142934586e-02);
INSERT INTO "scores" VALUES(14,'c5e0a4615dbd86d6','04e7d77c2edfcfbc','346a36faa1dad8c0775b014920afb173',NULL,'[0.9592180252075195]','["Dice: blue 2.\n\n2*5=10.\n\nDice: yellow 3.\n\n10+3=13.\n\nThe answer is \\boxed{13}."]',1.79597940040767455101e+09,1.60057760000142934586e-02);
INSERT INTO "scores" VALUES(15,'c5e0a4615dbd86d6','7298db4db60c3124','64e72ae8c559f573d284b4cfadd46d32',NULL,'[0.6802321672439575]','["Dice: blue 5.\n\n5*4=20.\n\nDice: green 4.\n\n20+4=24.\n\nThe answer is \\boxed{24}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(16,'c5e0a4615dbd86d6','7298db4db60c3124','9c7217755e2d671329086af7b663151a',NULL,'[0.9773914813995361]','["Dice: blue 6.\n\n6*4=24.\n\nDice: green 4.\n\n24+4=28.\n\nThe answer is \\boxed{28}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(17,'c5e0a4615dbd86d6','7298db4db60c3124','a8576be30994f5ab1e4eb8e94cc1c2a6',NULL,'[0.9195744395256042]','["Dice: blue 6.\n\n6*4=24.\n\nDice: green 5.\n\n24+5=29.\n\nThe answer is \\boxed{29}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(18,'c5e0a4615dbd86d6','9c928207bd2f49b5','43db0ea2274416131e80a91ec762ecdd',NULL,'[0.38731393218040466]','["Bars: green 4.\n\n4*2=8.\n\nBars: yellow 1.\n\n8+1=9.\n\nThe answer is \\boxed{9}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(19,'c5e0a4615dbd86d6','9c928207bd2f49b5','2b636fbbd420cb91ddbe3229e3bac078',NULL,'[0.002340603619813919]','["Bars: green 3.\n\n3*2=6.\n\nBars: yellow 1.\n\n6+1=7.\n\nThe answer is \\boxed{7}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(20,'c5e0a4615dbd86d6','6e156e3465892742','65d54f48a3e8ef5c760d3248acf60464',NULL,'[0.0018432390643283725]','["Dice: red 1.\n\n1*4=4.\n\nDice: green 6.\n\n4+6=10.\n\nThe answer is \\boxed{10}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(21,'c5e0a4615dbd86d6','6e156e3465892742','28884ff46caef84987c9831553a4428c',NULL,'[0.010475138202309608]','["Dice: red 2.\n\n2*4=8.\n\nDice: green 5.\n\n8+5=13.\n\nThe answer is \\boxed{13}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(22,'c5e0a4615dbd86d6','4981d3acc950ae44','3d42179c81343a1769b348635c0bf61f',NULL,'[0.6578465700149536]','["Bars: green 6.\n\n6*4=24.\n\nBars: red 5.\n\n24+5=29.\n\nThe answer is \\boxed{29}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(23,'c5e0a4615dbd86d6','4981d3acc950ae44','6583ab9cf740c977a6d76a48657bddbc',NULL,'[0.32915350794792175]','["Bars: green 5.\n\n5*4=20.\n\nBars: red 5.\n\n20+5=25.\n\nThe answer is \\boxed{25}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(24,'c5e0a4615dbd86d6','4981d3acc950ae44','3241e8b552dc121c6f9bc6cfaacc16d0',NULL,'[0.001880394178442657]','["Bars: green 5.\n\n5*4=20.\n\nBars: red 4.\n\n20+4=24.\n\nThe answer is \\boxed{24}."]',1.79597940043318343161e+09,2.50351419999788032261e-03);
INSERT INTO "scores" VALUES(25,'632105d5cf93a2b0','c4250c859cb76d5e','29c658f25a8fc6a7313e47f1dde3426e',NULL,'[0.9971568584442139, 0.9880552887916565, 0.8425784111022949, 0.9026764035224915, 0.9529827833175659]','["Bars: red 5.", "5*3=15.", "Bars: green 5.", "15+5=20.", "The answer is \\boxed{20}."]',1.79597940051568937306e+09,4.00666355000112162088e-02);
INSERT INTO "scores" VALUES(26,'632105d5cf93a2b0','04e7d77c2edfcfbc','346a36faa1dad8c0775b014920afb173',NULL,'[0.9990266561508179, 0.9909274578094482, 0.9805311560630798, 0.9706161022186279, 0.970085084438324]','["Dice: blue 2.", "2*5=10.", "Dice: yellow 3.", "10+3=13.", "The answer is \\boxed{13}."]',1.79597940051568937306e+09,4.00666355000112162088e-02);
INSERT INTO "scores" VALUES(27,'632105d5cf93a2b0','7298db4db60c3124','64e72ae8c559f573d284b4cfadd46d32',NULL,'[0.004777244292199612, 0.006952017080038786, 0.007982596755027771, 0.0034446141216903925, 0.004213313106447458]','["Dice: blue 5.", "5*4=20.", "Dice: green 4.", "20+4=24.", "The answer is \\boxed{24}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(28,'632105d5cf93a2b0','7298db4db60c3124','9c7217755e2d671329086af7b663151a',NULL,'[0.9992469549179077, 0.9913411736488342, 0.9962953925132751, 0.9754785299301147, 0.9806813597679138]','["Dice: blue 6.", "6*4=24.", "Dice: green 4.", "24+4=28.", "The answer is \\boxed{28}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(29,'632105d5cf93a2b0','7298db4db60c3124','a8576be30994f5ab1e4eb8e94cc1c2a6',NULL,'[0.9992469549179077, 0.9913411736488342, 0.0024692676961421967, 0.015508160926401615, 0.0026176138781011105]','["Dice: blue 6.", "6*4=24.", "Dice: green 5.", "24+5=29.", "The answer is \\boxed{29}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(30,'632105d5cf93a2b0','9c928207bd2f49b5','43db0ea2274416131e80a91ec762ecdd',NULL,'[0.9974748492240906, 0.9882110953330994, 0.9771887063980103, 0.9697343111038208, 0.9769852161407471]','["Bars: green 4.", "4*2=8.", "Bars: yellow 1.", "8+1=9.", "The answer is \\boxed{9}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(31,'632105d5cf93a2b0','9c928207bd2f49b5','2b636fbbd420cb91ddbe3229e3bac078',NULL,'[0.0021070363000035286, 0.005594923160970211, 0.0013944441452622414, 0.0012837509857490659, 0.0012231592554599047]','["Bars: green 3.", "3*2=6.", "Bars: yellow 1.", "6+1=7.", "The answer is \\boxed{7}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(32,'632105d5cf93a2b0','6e156e3465892742','65d54f48a3e8ef5c760d3248acf60464',NULL,'[0.9986506104469299, 0.9969983100891113, 0.0017189320642501116, 0.001450841431505978, 0.001853199559263885]','["Dice: red 1.", "1*4=4.", "Dice: green 6.", "4+6=10.", "The answer is \\boxed{10}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(33,'632105d5cf93a2b0','6e156e3465892742','28884ff46caef84987c9831553a4428c',NULL,'[0.004911077208817005, 0.005936030764132738, 0.003065258264541626, 0.0016404102789238095, 0.0023270316887646914]','["Dice: red 2.", "2*4=8.", "Dice: green 5.", "8+5=13.", "The answer is \\boxed{13}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(34,'632105d5cf93a2b0','4981d3acc950ae44','3d42179c81343a1769b348635c0bf61f',NULL,'[0.9953324198722839, 0.986237645149231, 0.8929102420806885, 0.8930357694625854, 0.9619569182395935]','["Bars: green 6.", "6*4=24.", "Bars: red 5.", "24+5=29.", "The answer is \\boxed{29}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(35,'632105d5cf93a2b0','4981d3acc950ae44','6583ab9cf740c977a6d76a48657bddbc',NULL,'[0.00675593689084053, 0.012660376727581024, 0.004605373367667198, 0.0039048437029123306, 0.005870173219591379]','["Bars: green 5.", "5*4=20.", "Bars: red 5.", "20+5=25.", "The answer is \\boxed{25}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(36,'632105d5cf93a2b0','4981d3acc950ae44','3241e8b552dc121c6f9bc6cfaacc16d0',NULL,'[0.00675593689084053, 0.012660376727581024, 0.0021101476158946753, 0.003014091169461608, 0.002593538723886013]','["Bars: green 5.", "5*4=20.", "Bars: red 4.", "20+4=24.", "The answer is \\boxed{24}."]',1.79597940055634856231e+09,4.01685029999612232265e-03);
INSERT INTO "scores" VALUES(37,'63d1aab217a8ccf0','c4250c859cb76d5e','29c658f25a8fc6a7313e47f1dde3426e',NULL,'[0.023115742951631546]','["Bars: red 5.\n\n5*3=15.\n\nBars: green 5.\n\n15+5=20.\n\nThe answer is \\boxed{20}."]',1.79597940059075760841e+09,1.63242835000119157484e-02);
INSERT INTO "scores" VALUES(38,'63d1aab217a8ccf0','04e7d77c2edfcfbc','346a36faa1dad8c0775b014920afb173',NULL,'[0.9592080116271973]','["Dice: blue 2.\n\n2*5=10.\n\nDice: yellow 3.\n\n10+3=13.\n\nThe answer is \\boxed{13}."]',1.79597940059075760841e+09,1.63242835000119157484e-02);
INSERT INTO "scores" VALUES(39,'63d1aab217a8ccf0','7298db4db60c3124','64e72ae8c559f573d284b4cfadd46d32',NULL,'[0.6801611185073853]','["Dice: blue 5.\n\n5*4=20.\n\nDice: green 4.\n\n20+4=24.\n\nThe answer is \\boxed{24}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(40,'63d1aab217a8ccf0','7298db4db60c3124','9c7217755e2d671329086af7b663151a',NULL,'[0.9773799777030945]','["Dice: blue 6.\n\n6*4=24.\n\nDice: green 4.\n\n24+4=28.\n\nThe answer is \\boxed{28}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(41,'63d1aab217a8ccf0','7298db4db60c3124','a8576be30994f5ab1e4eb8e94cc1c2a6',NULL,'[0.919546902179718]','["Dice: blue 6.\n\n6*4=24.\n\nDice: green 5.\n\n24+5=29.\n\nThe answer is \\boxed{29}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(42,'63d1aab217a8ccf0','9c928207bd2f49b5','43db0ea2274416131e80a91ec762ecdd',NULL,'[0.3872434198856354]','["Bars: green 4.\n\n4*2=8.\n\nBars: yellow 1.\n\n8+1=9.\n\nThe answer is \\boxed{9}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(43,'63d1aab217a8ccf0','9c928207bd2f49b5','2b636fbbd420cb91ddbe3229e3bac078',NULL,'[0.002339966595172882]','["Bars: green 3.\n\n3*2=6.\n\nBars: yellow 1.\n\n6+1=7.\n\nThe answer is \\boxed{7}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(44,'63d1aab217a8ccf0','6e156e3465892742','65d54f48a3e8ef5c760d3248acf60464',NULL,'[0.0018428995972499251]','["Dice: red 1.\n\n1*4=4.\n\nDice: green 6.\n\n4+6=10.\n\nThe answer is \\boxed{10}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(45,'63d1aab217a8ccf0','6e156e3465892742','28884ff46caef84987c9831553a4428c',NULL,'[0.010474007576704025]','["Dice: red 2.\n\n2*4=8.\n\nDice: green 5.\n\n8+5=13.\n\nThe answer is \\boxed{13}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(46,'63d1aab217a8ccf0','4981d3acc950ae44','3d42179c81343a1769b348635c0bf61f',NULL,'[0.6577712893486023]','["Bars: green 6.\n\n6*4=24.\n\nBars: red 5.\n\n24+5=29.\n\nThe answer is \\boxed{29}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(47,'63d1aab217a8ccf0','4981d3acc950ae44','6583ab9cf740c977a6d76a48657bddbc',NULL,'[0.32907992601394653]','["Bars: green 5.\n\n5*4=20.\n\nBars: red 5.\n\n20+5=25.\n\nThe answer is \\boxed{25}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(48,'63d1aab217a8ccf0','4981d3acc950ae44','3241e8b552dc121c6f9bc6cfaacc16d0',NULL,'[0.0018799117533490062]','["Bars: green 5.\n\n5*4=20.\n\nBars: red 4.\n\n20+4=24.\n\nThe answer is \\boxed{24}."]',1.79597940061164307594e+09,2.04654140000002380053e-03);
INSERT INTO "scores" VALUES(49,'3e749c17e3bb9d7f','toy0000000000000','a0e75dca8fd4cb2021eec3b26ede8279',NULL,'[1.0]','["Answer: 1"]',1.79597940403213214869e+09,NULL);
INSERT INTO "scores" VALUES(50,'3e749c17e3bb9d7f','toy0000000000001','9eff27922b4473677d7cd8a21993cab3',NULL,'[1.0]','["Answer: 2"]',1.79597940403213214869e+09,NULL);
INSERT INTO "scores" VALUES(51,'3e749c17e3bb9d7f','toy0000000000002','5c732e2792664af79431c4ff48781d03','the judge''s reply cannot be read: it is no JSON object (3 tries)','[]','["Answer: 3"]',1.79597940403213214869e+09,NULL);
CREATE TABLE specs (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('sampling', 'scoring', 'grading', 'checkpoint')),
    settings TEXT NOT NULL,
    created_at REAL NOT NULL
);
INSERT INTO "specs" VALUES(1,'aca03f36b1cccb20','checkpoint','{"benchmark": "DemoWorld", "total": 360}',1.79597939948016738893e+09);
INSERT INTO "specs" VALUES(2,'b287987b8b1b88ee','checkpoint','{"prompt of": "DemoWorld", "asked for in vain": ["cot", "direct", "host"]}',1.79597939948391389841e+09);
INSERT INTO "specs" VALUES(3,'e86e467c2fcfc2a2','checkpoint','{"source": "demo-policy", "revision": null, "fingerprint": "1bb41c6083437ae48c98b2652c458b4e"}',1.79597939992350149156e+09);
INSERT INTO "specs" VALUES(4,'4ff49fe3d029317d','checkpoint','{"source": "checkpoints/step1000/hf", "revision": null, "fingerprint": "8d565fc67c21489336e555de4bdf071b"}',1.7959793999255619049e+09);
INSERT INTO "specs" VALUES(5,'e1696aa6d3d1c204','checkpoint','{"source": "checkpoints/step2000/hf", "revision": null, "fingerprint": "015554a743cd5b88ae5d8abf0d36493a"}',1.79597939992818617822e+09);
INSERT INTO "specs" VALUES(6,'cc46086f5e767a56','sampling','{"policy": "demo-policy", "engine": "native", "temperature": 0.0, "top_p": 1.0, "max_tokens": 128, "prompt": "cot", "seed": 0, "checkpoint": "1bb41c6083437ae48c98b2652c458b4e", "dtype": "float32"}',1.79597939993048048021e+09);
INSERT INTO "specs" VALUES(7,'a7198f1d5544b6aa','checkpoint','{"versions for": "cc46086f5e767a56", "packages": "visualprm-eval 0.1.0, ms-vlmeval 0.0.20, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, sentencepiece 0.2.3, pillow 13.0.0, numpy 2.4.6, pandas 3.1.1"}',1.79597940008873677248e+09);
INSERT INTO "specs" VALUES(8,'109c19ba07af0245','sampling','{"policy": "demo-policy", "engine": "native", "temperature": 0.7, "top_p": 1.0, "max_tokens": 128, "prompt": "cot", "seed": 0, "checkpoint": "1bb41c6083437ae48c98b2652c458b4e", "dtype": "float32"}',1.79597940010010910039e+09);
INSERT INTO "specs" VALUES(9,'133855a6bd722a09','checkpoint','{"versions for": "109c19ba07af0245", "packages": "visualprm-eval 0.1.0, ms-vlmeval 0.0.20, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, sentencepiece 0.2.3, pillow 13.0.0, numpy 2.4.6, pandas 3.1.1"}',1.79597940021849274637e+09);
INSERT INTO "specs" VALUES(10,'32b08ff2885a1dc6','scoring','{"critic": "visualprm", "max_steps": 12, "special_tokens": "text", "checkpoint": "8d565fc67c21489336e555de4bdf071b", "dtype": "float32"}',1.79597940024338579177e+09);
INSERT INTO "specs" VALUES(11,'8623790c02cedf11','checkpoint','{"versions for": "32b08ff2885a1dc6", "packages": "visualprm-eval 0.1.0, ms-vlmeval 0.0.20, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, sentencepiece 0.2.3, pillow 13.0.0, numpy 2.4.6, pandas 3.1.1"}',1.7959794003365952969e+09);
INSERT INTO "specs" VALUES(12,'c5e0a4615dbd86d6','scoring','{"critic": "visualorm", "max_steps": 1, "special_tokens": "text", "checkpoint": "8d565fc67c21489336e555de4bdf071b", "dtype": "float32"}',1.79597940037524843219e+09);
INSERT INTO "specs" VALUES(13,'a29b59c882da42c1','checkpoint','{"versions for": "c5e0a4615dbd86d6", "packages": "visualprm-eval 0.1.0, ms-vlmeval 0.0.20, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, sentencepiece 0.2.3, pillow 13.0.0, numpy 2.4.6, pandas 3.1.1"}',1.79597940040698814392e+09);
INSERT INTO "specs" VALUES(14,'632105d5cf93a2b0','scoring','{"critic": "visualprm", "max_steps": 12, "special_tokens": "text", "checkpoint": "015554a743cd5b88ae5d8abf0d36493a", "dtype": "float32"}',1.79597940043513464927e+09);
INSERT INTO "specs" VALUES(15,'22eeaa44c748e817','checkpoint','{"versions for": "632105d5cf93a2b0", "packages": "visualprm-eval 0.1.0, ms-vlmeval 0.0.20, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, sentencepiece 0.2.3, pillow 13.0.0, numpy 2.4.6, pandas 3.1.1"}',1.79597940051499485973e+09);
INSERT INTO "specs" VALUES(16,'63d1aab217a8ccf0','scoring','{"critic": "visualorm", "max_steps": 1, "special_tokens": "text", "checkpoint": "015554a743cd5b88ae5d8abf0d36493a", "dtype": "float32"}',1.79597940055771946904e+09);
INSERT INTO "specs" VALUES(17,'8daf9c9fa354bdbd','checkpoint','{"versions for": "63d1aab217a8ccf0", "packages": "visualprm-eval 0.1.0, ms-vlmeval 0.0.20, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, sentencepiece 0.2.3, pillow 13.0.0, numpy 2.4.6, pandas 3.1.1"}',1.7959794005901763439e+09);
INSERT INTO "specs" VALUES(18,'08145adae47fe9ee','grading','{"benchmark": "DemoWorld", "prediction": "raw", "host": "0.0.20", "judge": "exact_matching"}',1.79597940061620402335e+09);
INSERT INTO "specs" VALUES(19,'a1e133ff49a4005e','checkpoint','{"versions for": "08145adae47fe9ee", "packages": "visualprm-eval 0.1.0, ms-vlmeval 0.0.20, torch 2.15.0, transformers 5.23.0, tokenizers 0.23.3, sentencepiece 0.2.3, pillow 13.0.0, numpy 2.4.6, pandas 3.1.1"}',1.79597940063436961174e+09);
INSERT INTO "specs" VALUES(20,'9358dcc4fde6d4a6','checkpoint','{"rerankers": [["first", null], ["random", null], ["self-consistency", null], ["visualprm@step1000", "visualprm@step1000"], ["visualprm@step2000", "visualprm@step2000"], ["visualorm@step1000", "visualorm@step1000"], ["visualorm@step2000", "visualorm@step2000"], ["oracle", null]], "scorings": {"visualprm@step1000": "32b08ff2885a1dc6", "visualorm@step1000": "c5e0a4615dbd86d6", "visualprm@step2000": "632105d5cf93a2b0", "visualorm@step2000": "63d1aab217a8ccf0"}, "number": 1}',1.79597940203954935071e+09);
INSERT INTO "specs" VALUES(21,'f3e229c7b83ab909','sampling','{"policy": "toy", "temperature": 0.7, "seed": 0}',1.79597940403082156186e+09);
INSERT INTO "specs" VALUES(22,'6b22a43359903012','grading','{"benchmark": "Toy", "prediction": "raw", "host": "0.0.20", "judge": "gpt", "judge_url": "http://127.0.0.1:1/v1"}',1.79597940403123259548e+09);
INSERT INTO "specs" VALUES(23,'3e749c17e3bb9d7f','scoring','{"critic": "judge", "wording of the request": "x", "tries": 3, "max_steps": 12, "judge": {"policy": "gpt"}}',1.79597940403145933151e+09);
INSERT INTO "specs" VALUES(24,'12470b6058d314cc','checkpoint','{"grading": "6b22a43359903012", "host metric": "acc", "whole tables": true, "verdicts": true}',1.79597940403293180461e+09);
CREATE TABLE texts (
    position INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    value TEXT NOT NULL
);
INSERT INTO "texts" VALUES(1,'da8a252d7986f0353a07a3cf3ac260af','Dice: red 1.

1*4=4.

Dice: green 5.

4+5=9.

The answer is \boxed{9}.');
INSERT INTO "texts" VALUES(2,'43db0ea2274416131e80a91ec762ecdd','Bars: green 4.

4*2=8.

Bars: yellow 1.

8+1=9.

The answer is \boxed{9}.');
INSERT INTO "texts" VALUES(3,'9c7217755e2d671329086af7b663151a','Dice: blue 6.

6*4=24.

Dice: green 4.

24+4=28.

The answer is \boxed{28}.');
INSERT INTO "texts" VALUES(4,'346a36faa1dad8c0775b014920afb173','Dice: blue 2.

2*5=10.

Dice: yellow 3.

10+3=13.

The answer is \boxed{13}.');
INSERT INTO "texts" VALUES(5,'3241e8b552dc121c6f9bc6cfaacc16d0','Bars: green 5.

5*4=20.

Bars: red 4.

20+4=24.

The answer is \boxed{24}.');
INSERT INTO "texts" VALUES(6,'29c658f25a8fc6a7313e47f1dde3426e','Bars: red 5.

5*3=15.

Bars: green 5.

15+5=20.

The answer is \boxed{20}.');
INSERT INTO "texts" VALUES(7,'2b636fbbd420cb91ddbe3229e3bac078','Bars: green 3.

3*2=6.

Bars: yellow 1.

6+1=7.

The answer is \boxed{7}.');
INSERT INTO "texts" VALUES(8,'65d54f48a3e8ef5c760d3248acf60464','Dice: red 1.

1*4=4.

Dice: green 6.

4+6=10.

The answer is \boxed{10}.');
INSERT INTO "texts" VALUES(9,'28884ff46caef84987c9831553a4428c','Dice: red 2.

2*4=8.

Dice: green 5.

8+5=13.

The answer is \boxed{13}.');
INSERT INTO "texts" VALUES(10,'64e72ae8c559f573d284b4cfadd46d32','Dice: blue 5.

5*4=20.

Dice: green 4.

20+4=24.

The answer is \boxed{24}.');
INSERT INTO "texts" VALUES(11,'a8576be30994f5ab1e4eb8e94cc1c2a6','Dice: blue 6.

6*4=24.

Dice: green 5.

24+5=29.

The answer is \boxed{29}.');
INSERT INTO "texts" VALUES(12,'3d42179c81343a1769b348635c0bf61f','Bars: green 6.

6*4=24.

Bars: red 5.

24+5=29.

The answer is \boxed{29}.');
INSERT INTO "texts" VALUES(13,'6583ab9cf740c977a6d76a48657bddbc','Bars: green 5.

5*4=20.

Bars: red 5.

20+5=25.

The answer is \boxed{25}.');
INSERT INTO "texts" VALUES(14,'a0e75dca8fd4cb2021eec3b26ede8279','Answer: 1');
INSERT INTO "texts" VALUES(15,'9eff27922b4473677d7cd8a21993cab3','Answer: 2');
INSERT INTO "texts" VALUES(16,'5c732e2792664af79431c4ff48781d03','Answer: 3');
INSERT INTO "texts" VALUES(17,'e3b0c44298fc1c149afbf4c8996fb924','');
INSERT INTO "texts" VALUES(18,'bc3c336287e4cced9ddbdcc9b124ac08','<think>it could be');
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
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','04e7d77c2edfcfbc','346a36faa1dad8c0775b014920afb173',NULL,1.0,1.79597940063483095174e+09,2.89522166666718793956e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','4981d3acc950ae44','3241e8b552dc121c6f9bc6cfaacc16d0',NULL,0.0,1.79597940063483095174e+09,2.89522166666718793956e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','4981d3acc950ae44','3d42179c81343a1769b348635c0bf61f',NULL,1.0,1.79597940064724040029e+09,2.73397050000312447082e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','4981d3acc950ae44','6583ab9cf740c977a6d76a48657bddbc',NULL,0.0,1.79597940065809774396e+09,3.39055500000995380105e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','6e156e3465892742','28884ff46caef84987c9831553a4428c',NULL,0.0,1.79597940065809774396e+09,3.39055500000995380105e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','6e156e3465892742','65d54f48a3e8ef5c760d3248acf60464',NULL,0.0,1.79597940064724040029e+09,2.73397050000312447082e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','6e156e3465892742','da8a252d7986f0353a07a3cf3ac260af',NULL,1.0,1.79597940063483095174e+09,2.89522166666718793956e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','7298db4db60c3124','64e72ae8c559f573d284b4cfadd46d32',NULL,0.0,1.79597940064724040029e+09,2.73397050000312447082e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','7298db4db60c3124','9c7217755e2d671329086af7b663151a',NULL,1.0,1.79597940063483095174e+09,2.89522166666718793956e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','7298db4db60c3124','a8576be30994f5ab1e4eb8e94cc1c2a6',NULL,0.0,1.79597940065809774396e+09,3.39055500000995380105e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','9c928207bd2f49b5','2b636fbbd420cb91ddbe3229e3bac078',NULL,0.0,1.79597940064724040029e+09,2.73397050000312447082e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','9c928207bd2f49b5','43db0ea2274416131e80a91ec762ecdd',NULL,1.0,1.79597940063483095174e+09,2.89522166666718793956e-03);
INSERT INTO "verdicts" VALUES('08145adae47fe9ee','c4250c859cb76d5e','29c658f25a8fc6a7313e47f1dde3426e',NULL,1.0,1.79597940063483095174e+09,2.89522166666718793956e-03);
INSERT INTO "verdicts" VALUES('6b22a43359903012','toy0000000000000','a0e75dca8fd4cb2021eec3b26ede8279',NULL,1.0,1.79597940403249359134e+09,NULL);
INSERT INTO "verdicts" VALUES('6b22a43359903012','toy0000000000001','9eff27922b4473677d7cd8a21993cab3',NULL,1.0,1.79597940403249359134e+09,NULL);
INSERT INTO "verdicts" VALUES('6b22a43359903012','toy0000000000002','5c732e2792664af79431c4ff48781d03','no reply',NULL,1.79597940403249359134e+09,NULL);
CREATE INDEX problems_by_benchmark ON problems (benchmark, position);
COMMIT;
PRAGMA application_id = 1448104525;
PRAGMA user_version = 5;
